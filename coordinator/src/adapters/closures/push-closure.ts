/** Gives a builder what it needs to build some derivations, and what of it the builder does not have. */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { carryMissing, type Lanes, type TransferProgress } from './carry-missing.ts';
import type { DerivationFactsReader } from './derivation-facts.ts';
import type { DeskHold } from './question-desk.ts';
import { orderByReferences } from './reference-order.ts';
import { findWantedPaths } from './wanted-paths.ts';
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
  const { drvPaths, ours, builder, watch, observer } = options;
  await watch.whilePaused(mustHave(ours, drvPaths));
  const wanted = await watch.whilePaused(
    findWantedPaths({
      drvPaths,
      derivations: options.derivations,
      validPaths: (paths) => ours.validPaths(paths),
    }),
  );
  const closure = await watch.whilePaused(ours.closureOf([...drvPaths, ...wanted.heads]));
  let asOf = options.lanes.underWay.sentCount();
  let missing = await missingOf(closure);
  const lackedBefore = new Set(missing);
  const missingHeads = wanted.heads.filter((path) => lackedBefore.has(path));
  if (missingHeads.length > 0 && observer.substitute !== undefined) {
    await watch.race(observer.substitute(missingHeads, watch.signal, () => watch.alive()));
    asOf = options.lanes.underWay.sentCount();
    missing = await missingOf(missing);
  }
  async function missingOf(paths: readonly string[]): Promise<readonly string[]> {
    const valid = await watch.whilePaused(builder.validPaths(paths));
    return paths.filter((path) => !valid.has(path));
  }
  const infos = await watch.whilePaused(ours.pathInfos(missing));
  const lacking = missing.find((path) => !infos.has(path));
  const ordered = orderByReferences(infos);
  if (lacking !== undefined || ordered === undefined) {
    throw new AppError(
      'closure.incomplete',
      `${lacking ?? drvPaths[0]} is not whole in the store of this host`,
    );
  }
  const bytes = await carryMissing({
    infos: ordered,
    lanes: options.lanes,
    watch,
    asOf,
    arrived: (paths) => builder.validPaths(paths),
    progress: (progress) => observer.progress(progress),
  });
  return {
    heads: [...drvPaths, ...wanted.heads],
    covered: wanted.covered,
    bytes,
  };
}

async function mustHave(ours: DeskHold, drvPaths: readonly DerivationPath[]): Promise<void> {
  const valid = await ours.validPaths(drvPaths);
  const lost = drvPaths.find((drvPath) => !valid.has(drvPath));
  if (lost !== undefined) {
    throw new AppError('closure.incomplete', `${lost} is not in the store of this host any more`);
  }
}
