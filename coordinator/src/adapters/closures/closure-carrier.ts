/**
 * Carries closures between the store of this host and that of one builder. Its callers may be concurrent. Six processes
 * at most: one on either side that is asked and holds paths from the collector, and two lanes each way that carry.
 */
import { statfs } from 'node:fs/promises';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { ServeCompression } from '@argunix/shared/nix/serve-channel';
import type { Lanes } from './carry-missing.ts';
import { chooseCompression, type LinkHint } from './choose-compression.ts';
import type { DerivationFactsReader } from './derivation-facts.ts';
import { createLane } from './lane.ts';
import { createPathsUnderWay } from './paths-under-way.ts';
import { type PullObserver, type PullRequest, pullOutputs } from './pull-outputs.ts';
import { type Pushed, type PushObserver, pushClosure } from './push-closure.ts';
import { createQuestionDesk, type DeskHold } from './question-desk.ts';
import { type RemoteEnd, startLocalEnd, toServeEnd } from './serve-end.ts';
import { openServeSession, type ServeSession } from './serve-session.ts';
import { substituteHere } from './substitute-here.ts';
import { findWantedPaths } from './wanted-paths.ts';
import { underWatch, type Watch } from './watch.ts';

export interface PushRequest {
  readonly drvPaths: readonly DerivationPath[];
}

export interface PushResult extends Pushed {
  /** What was pushed is held from the builder's collector until then: once the builder has rooted the heads. */
  release(): void;
}

export interface PullResult {
  readonly bytes: number;
  /** What was pulled is held from our collector until then: once its roots are made. */
  release(): void;
}

/**
 * Throws `closure.refused` for a builder that lies, `closure.stalled` and `closure.broken` for a connection that does
 * not carry, `closure.incomplete` and `closure.unsupported` for what cannot be carried, `nix.failed` for our own Nix,
 * and the reason of the signal. A transfer that failed leaves behind what was stored until then, and no process.
 */
export interface ClosureCarrier {
  push(request: PushRequest, observer: PushObserver, signal?: AbortSignal): Promise<PushResult>;
  pull(request: PullRequest, observer: PullObserver, signal?: AbortSignal): Promise<PullResult>;
  /** What a lease on this derivation covers: its outputs and those of inner derivations that are not valid here. */
  coveredOutputs(drvPath: DerivationPath, signal?: AbortSignal): Promise<readonly string[]>;
  /** Ends whatever is under way, as `closure.broken`, and lets go of all that is held. */
  close(): void;
}

export interface RemoteChannel {
  readonly compression: ServeCompression;
}

export interface ClosureCarrierOptions {
  readonly env: NixEnvironment;
  /** May be shared by carriers. */
  readonly derivations: DerivationFactsReader;
  /** So long without a byte in either direction is the end of a transfer. */
  readonly stallMs: number;
  /** The builder's side wraps its end of the channel as `joinServeChannel` does; here it comes as it is on the wire. */
  readonly openRemote: (signal: AbortSignal, channel: RemoteChannel) => Promise<RemoteEnd>;
  /** Asked for each channel. Uncompressed where it is left out. */
  readonly linkHint?: () => LinkHint;
  /** How long processes stay that nobody uses. */
  readonly idleMs?: number;
  /** Of one path that a builder returns. */
  readonly maxNarBytes?: number;
  /** Of the file system of our store; left out: asked of it. */
  readonly freeBytes?: () => Promise<number>;
}

const IDLE_MS = 10_000;
// Larger than anything that was ever built, smaller than what a lie would fill a disk with for days.
const MAX_NAR_BYTES = 1024 ** 4;

export function createClosureCarrier(options: ClosureCarrierOptions): ClosureCarrier {
  const { derivations, stallMs, idleMs = IDLE_MS } = options;
  const closing = new AbortController();
  const untilClosed = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
  const openOurs = (signal: AbortSignal): Promise<ServeSession> =>
    openServeSession(startLocalEnd(options.env), 'ours', signal);
  const openBuilders = async (signal: AbortSignal): Promise<ServeSession> => {
    const compression = chooseCompression(options.linkHint?.() ?? {});
    const remote = await options.openRemote(signal, { compression });
    return await openServeSession(toServeEnd(remote, compression), 'builder', signal);
  };
  const ourDesk = createQuestionDesk({ open: openOurs, who: 'nix-store of this host', stallMs, idleMs });
  const builderDesk = createQuestionDesk({
    open: openBuilders,
    who: 'nix-store of the builder',
    stallMs,
    idleMs,
  });
  const out = createLanes(openOurs, openBuilders, idleMs);
  const back = createLanes(openBuilders, openOurs, idleMs);

  /** Holds what the work asks about, on both sides, until the result is released; a failure releases it. */
  async function holding<Result>(
    what: string,
    signal: AbortSignal | undefined,
    work: (holds: { ours: DeskHold; builder: DeskHold; watch: Watch }) => Promise<Result>,
  ): Promise<Result & { release(): void }> {
    return await underWatch({ stallMs, signal: untilClosed(signal), what }, async (watch) => {
      const holds = [ourDesk.hold(), builderDesk.hold()] as const;
      function release(): void {
        for (const hold of holds) {
          hold.then(
            (held) => held.release(),
            () => undefined,
          );
        }
      }
      try {
        const [ours, builder] = await watch.whilePaused(Promise.all(holds));
        const result = await work({ ours, builder, watch });
        return { ...result, release };
      } catch (error) {
        release();
        throw error;
      }
    });
  }
  return {
    push: ({ drvPaths }, observer, signal) =>
      holding(`the push of ${drvPaths[0]}`, signal, (holds) =>
        pushClosure({ ...holds, drvPaths, derivations, observer, lanes: out }),
      ),
    pull: (request, observer, signal) =>
      holding(`the pull of ${request.drvPath}`, signal, async (holds) => ({
        bytes: await pullOutputs({
          ...holds,
          request,
          derivations,
          observer,
          lanes: back,
          maxNarBytes: options.maxNarBytes ?? MAX_NAR_BYTES,
          freeBytes: options.freeBytes ?? freeInStore,
          substituteHere: (paths, ending) => substituteHere(options.env, paths, ending),
        }),
      })),
    coveredOutputs: (drvPath, signal) =>
      underWatch(
        { stallMs, signal: untilClosed(signal), what: `the question about ${drvPath}` },
        async (watch) => {
          const ours = await watch.whilePaused(ourDesk.hold());
          try {
            const wanted = await findWantedPaths({
              drvPaths: [drvPath],
              derivations,
              validPaths: (paths) => watch.whilePaused(ours.validPaths(paths)),
            });
            return wanted.covered;
          } finally {
            ours.release();
          }
        },
      ),
    close() {
      closing.abort(new AppError('closure.broken', 'the connection to the builder was closed'));
      for (const part of [ourDesk, builderDesk, out.small, out.large, back.small, back.large]) {
        part.close();
      }
    },
  };
}

async function freeInStore(): Promise<number> {
  const { bavail, bsize } = await statfs('/nix/store');
  return bavail * bsize;
}

type Open = (signal: AbortSignal) => Promise<ServeSession>;

function createLanes(openSource: Open, openSink: Open, idleMs: number): Lanes {
  return {
    small: createLane({ openSource, openSink, idleMs }),
    large: createLane({ openSource, openSink, idleMs }),
    underWay: createPathsUnderWay(),
  };
}
