/**
 * Gives a builder what it needs to build some derivations, and what of it the builder does not have: the derivations
 * themselves, and meanwhile it is found out, and fetched from caches, what they need that was built before.
 */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { carryMissing, type Lanes } from './carry-missing.ts';
import type { DerivationFactsReader } from './derivation-facts.ts';
import type { PathInfo } from './path-info.ts';
import type { DeskHold } from './question-desk.ts';
import { orderByReferences } from './reference-order.ts';
import { createTransferTally, type TransferProgress } from './transfer-tally.ts';
import { findWantedPaths, type WantedPaths } from './wanted-paths.ts';
import type { Watch } from './watch.ts';

export interface PushObserver {
  progress(progress: TransferProgress): void;
  /**
   * Asks the builder to fetch these from its caches; resolves when it has some of them, or none. Left out where it has
   * no caches. `alive` says that something moves: without it, a long fetch counts as a stall.
   */
  substitute?(paths: readonly string[], signal: AbortSignal, alive: () => void): Promise<void>;
}

export interface PushOptions {
  readonly drvPaths: readonly DerivationPath[];
  readonly derivations: DerivationFactsReader;
  readonly ours: DeskHold;
  readonly builder: DeskHold;
  readonly lanes: Lanes;
  readonly observer: PushObserver;
  readonly watch: Watch;
}

export interface Pushed {
  /** What the builder is to root: the derivations, and the outputs of their inputs that it was given or had. */
  readonly heads: readonly string[];
  /** What the builder may give back for these derivations: outputs that are not valid here. */
  readonly covered: readonly string[];
  readonly bytes: number;
}

export async function pushClosure(options: PushOptions): Promise<Pushed> {
  const { drvPaths, ours, watch, observer } = options;
  const tally = createTransferTally((progress) => observer.progress(progress));
  await watch.whilePaused(mustHave(ours, drvPaths));
  const carried = carryDerivations();
  const [wanted] = await Promise.all([findAndCarryInputs(), carried]);
  return { heads: [...drvPaths, ...wanted.heads], covered: wanted.covered, bytes: tally.sentBytes() };

  async function carryDerivations(): Promise<void> {
    const asOf = options.lanes.underWay.sentCount();
    await carry(await findLacking(options, await watch.whilePaused(ours.closureOf(drvPaths))), asOf);
  }
  async function findAndCarryInputs(): Promise<WantedPaths> {
    const found = await watch.whilePaused(
      findWantedPaths({
        drvPaths,
        derivations: options.derivations,
        validPaths: (paths) => ours.validPaths(paths),
      }),
    );
    await mayFetch(options, found.heads);
    // One after the other: to wait for the lane is not watched, and what has it would be ours.
    await carried;
    const asOf = options.lanes.underWay.sentCount();
    await carry(await findLacking(options, await watch.whilePaused(ours.closureOf(found.heads))), asOf);
    return found;
  }
  async function carry(lacking: ReadonlyMap<string, PathInfo>, asOf: number): Promise<void> {
    const infos = orderByReferences(lacking);
    if (infos === undefined) {
      throw notWhole(drvPaths[0]);
    }
    await carryMissing({
      infos,
      lanes: options.lanes,
      watch,
      asOf,
      arrived: (paths) => options.builder.validPaths(paths),
      tally,
    });
  }
}

/** Lets the builder fetch from its caches what of these it lacks. */
async function mayFetch({ builder, observer, watch }: PushOptions, heads: readonly string[]): Promise<void> {
  if (observer.substitute !== undefined && heads.length > 0) {
    const lacking = await watch.whilePaused(lackingOf(builder, heads));
    if (lacking.length > 0) {
      await watch.race(observer.substitute(lacking, watch.signal, () => watch.alive()));
    }
  }
}

// So many at a time: while the builder looks for the next ones, we look up what we know of the last ones.
const BATCH = 2_000;

async function findLacking(
  { ours, builder, watch }: PushOptions,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PathInfo>> {
  const answers: Promise<ReadonlyMap<string, PathInfo>>[] = [];
  for (let at = 0; at < paths.length; at += BATCH) {
    const lacking = await watch.whilePaused(lackingOf(builder, paths.slice(at, at + BATCH)));
    const answer = infosOf(ours, lacking);
    // Awaited below, unless a later question fails first.
    answer.catch(() => undefined);
    answers.push(answer);
  }
  const found = await watch.whilePaused(Promise.all(answers));
  return new Map(found.flatMap((infos) => [...infos]));
}

async function infosOf(ours: DeskHold, paths: readonly string[]): Promise<ReadonlyMap<string, PathInfo>> {
  const infos = paths.length === 0 ? new Map<string, PathInfo>() : await ours.pathInfos(paths);
  const lost = paths.find((path) => !infos.has(path));
  if (lost !== undefined) {
    throw notWhole(lost);
  }
  return infos;
}

async function lackingOf(builder: DeskHold, paths: readonly string[]): Promise<readonly string[]> {
  const valid = await builder.validPaths(paths);
  return paths.filter((path) => !valid.has(path));
}

function notWhole(path: string | undefined): AppError {
  return new AppError('closure.incomplete', `${path} is not whole in the store of this host`);
}

async function mustHave(ours: DeskHold, drvPaths: readonly DerivationPath[]): Promise<void> {
  const valid = await ours.validPaths(drvPaths);
  const lost = drvPaths.find((drvPath) => !valid.has(drvPath));
  if (lost !== undefined) {
    throw new AppError('closure.incomplete', `${lost} is not in the store of this host any more`);
  }
}
