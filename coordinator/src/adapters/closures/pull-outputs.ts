/**
 * Takes outputs from a builder: those that were asked for, and of what they refer to, those that the lease covers and
 * that are missing here. What else they refer to is had here, or from our own caches, with their signatures.
 */

import { sizeText } from '@argunix/shared/domain/size-text';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { AppError, isAppError } from '@argunix/shared/kit/app-error';
import { carryMissing, type Lanes } from './carry-missing.ts';
import type { DerivationFactsReader } from './derivation-facts.ts';
import { judgeReturned } from './judge-returned.ts';
import type { PathInfo } from './path-info.ts';
import type { DeskHold } from './question-desk.ts';
import { orderByReferences } from './reference-order.ts';
import { findReturnablePaths } from './returnable-paths.ts';
import { createTransferTally, type TransferProgress } from './transfer-tally.ts';
import type { WantedPaths } from './wanted-paths.ts';
import type { Watch } from './watch.ts';

export interface PullObserver {
  progress(progress: TransferProgress): void;
}

export interface PullRequest {
  readonly drvPath: DerivationPath;
  /** Paths of outputs of the derivation, or of those that the lease covers. */
  readonly outputs: readonly string[];
  /** What the push told of it, or `coveredOutputs` when the lease was made. */
  readonly covered: readonly string[];
}

export interface PullOptions {
  readonly request: PullRequest;
  readonly derivations: DerivationFactsReader;
  readonly ours: DeskHold;
  readonly builder: DeskHold;
  readonly lanes: Lanes;
  readonly observer: PullObserver;
  readonly watch: Watch;
  readonly maxNarBytes: number;
  /** Of the file system of our store. */
  readonly freeBytes: () => Promise<number>;
  /** Fetches from our own caches what they have; never rejects. */
  readonly substituteHere: (paths: readonly string[], signal: AbortSignal) => Promise<void>;
}

export async function pullOutputs(options: PullOptions): Promise<number> {
  const { request, ours, watch } = options;
  const asOf = options.lanes.underWay.sentCount();
  const find = (): Promise<WantedPaths> =>
    watch.whilePaused(
      findReturnablePaths({
        ...request,
        derivations: options.derivations,
        validPaths: (paths) => ours.validPaths(paths),
      }),
    );
  let wanted = await find();
  const stranger = request.outputs.find((path) => !wanted.outputs.has(path));
  if (stranger !== undefined) {
    throw new AppError(
      'closure.refused',
      `${stranger} is no output that a lease on ${request.drvPath} covers`,
    );
  }
  const told = await askForMissing(options, wanted);
  if (wanted.lost.length > 0 && (await refersToUnknown(options, wanted, told))) {
    await watch.whilePaused(options.substituteHere(wanted.lost, watch.signal));
    wanted = await find();
  }
  const infos = await judgeAll(options, wanted, told);
  await mustFit(options, infos);
  const ordered = orderByReferences(infos);
  if (ordered === undefined) {
    throw new AppError('closure.refused', 'the builder offers outputs that refer to each other in a circle', {
      paths: [...infos.keys()],
    });
  }
  const tally = createTransferTally((progress) => options.observer.progress(progress));
  try {
    await carryMissing({
      infos: ordered,
      lanes: options.lanes,
      watch,
      asOf,
      arrived: (paths) => ours.validPaths(paths),
      tally,
    });
    return tally.sentBytes();
  } catch (error) {
    throw isAppError(error) && error.code === 'nix.failed' && REFUSALS.test(error.message)
      ? new AppError('closure.refused', `what the builder sent was refused by ${error.message}`, {}, error)
      : error;
  }
}

// For databases and logs: a full disk stops more than builds.
const KEPT_FREE_BYTES = 256 * 1024 * 1024;

async function mustFit(
  { freeBytes, request }: PullOptions,
  infos: ReadonlyMap<string, PathInfo>,
): Promise<void> {
  const bytes = [...infos.values()].reduce((sum, { narSize }) => sum + narSize, 0);
  const free = await freeBytes();
  if (bytes > free - KEPT_FREE_BYTES) {
    throw new AppError(
      'closure.no-room',
      `the outputs of ${request.drvPath} take ${sizeText(bytes)}, and the disk of /nix/store on the coordinator's host has ${sizeText(free)} free: make room there (nix-collect-garbage)`,
    );
  }
}

// Nix from 2.8 to 2.26, where the bytes are other than was told of them; all else is trouble of this host.
const REFUSALS = /(?:hash|size) mismatch importing path|bad archive|Nix archive|NAR |unexpected end-of-file/;

/** Of what was asked for and of all that it needs, what the builder tells about it; nothing of it is believed yet. */
async function askForMissing(
  { request, ours, builder, watch }: PullOptions,
  wanted: WantedPaths,
): Promise<ReadonlyMap<string, PathInfo>> {
  const told = new Map<string, PathInfo>();
  const seen = new Set<string>();
  for (let asked = request.outputs; asked.length > 0; ) {
    for (const path of asked) {
      seen.add(path);
    }
    const valid = await watch.whilePaused(ours.validPaths(asked));
    const missing = asked.filter((path) => !valid.has(path));
    await watch.whilePaused(builder.validPaths(missing));
    const infos = await watch.whilePaused(builder.pathInfos(missing));
    const lacking = missing.find((path) => !infos.has(path));
    if (lacking !== undefined) {
      throw new AppError('closure.incomplete', `the builder does not have ${lacking}, which it was to build`);
    }
    const next = new Set<string>();
    for (const info of infos.values()) {
      told.set(info.path, info);
      for (const reference of info.references) {
        if (!seen.has(reference) && wanted.outputs.has(reference)) {
          next.add(reference);
        }
      }
    }
    asked = [...next];
  }
  return told;
}

async function refersToUnknown(
  options: PullOptions,
  wanted: WantedPaths,
  told: ReadonlyMap<string, PathInfo>,
): Promise<boolean> {
  const known = await knownHere(options, wanted);
  return [...told.values()].some(({ references }) => references.some((path) => !known.has(path)));
}

async function judgeAll(
  options: PullOptions,
  wanted: WantedPaths,
  told: ReadonlyMap<string, PathInfo>,
): Promise<ReadonlyMap<string, PathInfo>> {
  const known = await knownHere(options, wanted);
  const lost = new Set(wanted.lost);
  const infos = new Map<string, PathInfo>();
  for (const info of told.values()) {
    const output = wanted.outputs.get(info.path);
    if (output === undefined) {
      throw new AppError('closure.refused', `the builder offers ${info.path}, which nobody asked for`);
    }
    const missing = info.references.find((path) => lost.has(path));
    if (missing !== undefined) {
      throw new AppError(
        'closure.incomplete',
        `${info.path} refers to ${missing}, which this host had, has no more, and finds in none of its caches`,
      );
    }
    const verdict = judgeReturned(info, output, (path) => known.has(path), options.maxNarBytes);
    if (verdict.kind === 'refused') {
      throw new AppError('closure.refused', verdict.reason, { drvPath: options.request.drvPath });
    }
    infos.set(info.path, verdict.info);
  }
  return infos;
}

/** What an output may refer to: all that its build could see, and the outputs that are built with it. */
async function knownHere(
  { ours, watch }: PullOptions,
  { heads, sources, outputs }: WantedPaths,
): Promise<ReadonlySet<string>> {
  const valid = await watch.whilePaused(ours.validPaths([...heads, ...sources]));
  const closure = await watch.whilePaused(ours.closureOf([...valid]));
  return new Set([...closure, ...outputs.keys()]);
}
