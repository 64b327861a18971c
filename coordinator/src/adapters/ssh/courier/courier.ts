/** The courier: closures and logs over the bulk connections, each as it was asked for, to one answer. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { CourierToGate, FromCourier, GateSettings, GateToCourier, ToCourier } from '../messages.ts';
import { type BulkChannel, createBulkDoor } from './bulk-door.ts';
import { type LogPump, startLogPump } from './log-pump.ts';
import { createSubstitutions } from './substitutions.ts';

/** What adapters/closures is to us. */
export interface Carrier {
  push(
    request: { readonly drvPaths: readonly DerivationPath[] },
    observer: {
      progress(progress: Progress): void;
      substitute?(paths: readonly string[], signal: AbortSignal, alive: () => void): Promise<void>;
    },
    signal: AbortSignal,
  ): Promise<{
    readonly heads: readonly string[];
    readonly covered: readonly string[];
    readonly bytes: number;
    release(): void;
  }>;
  pull(
    request: {
      readonly drvPath: DerivationPath;
      readonly outputs: readonly string[];
      readonly covered: readonly string[];
    },
    observer: { progress(progress: Progress): void },
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number; release(): void }>;
  coveredOutputs(drvPath: DerivationPath, signal: AbortSignal): Promise<readonly string[]>;
  close(): void;
}

/** What is known of the way to a builder; nothing at first. */
export interface LinkHint {
  readonly bytesPerSecond: number | undefined;
  readonly roundTripMs: number | undefined;
}

interface Progress {
  readonly pathsDone: number;
  readonly pathsTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface RemoteEnd {
  readonly stream: Duplex;
  unsentBytes(): number;
  readonly ended: Promise<string>;
  close(): void;
}

export interface CourierPorts {
  tell(message: CourierToGate): void;
  createCarrier(
    openRemote: (
      signal: AbortSignal,
      channel: { readonly compression: 'none' | 'zstd' },
    ) => Promise<RemoteEnd>,
    linkHint: () => LinkHint,
  ): Carrier;
}

export interface Courier {
  take(message: GateToCourier, socket: Socket | undefined): void;
}

interface Work {
  readonly stopping: AbortController;
  release: (() => void) | undefined;
  pump: LogPump | undefined;
}

// Signs of life by bulk are told this often, and progress no more often.
const TELL_EVERY_MS = 1_000;
const PROGRESS_EVERY_MS = 250;
const OPEN_WITHIN_MS = 30_000;
const WORTH_MEASURING_BYTES = 8 * 1024 * 1024;
const UNKNOWN: LinkHint = { bytesPerSecond: undefined, roundTripMs: undefined };

export function openCourier(settings: GateSettings, ports: CourierPorts): Courier {
  const tell = (message: CourierToGate): void => ports.tell(message);
  const carriers = new Map<string, Carrier>();
  const works = new Map<number, Work>();
  const hints = new Map<string, LinkHint>();

  /** How fast it was tells how fast it is; what is small says little. */
  function measured(builder: string, bytes: number, tookMs: number): void {
    if (bytes >= WORTH_MEASURING_BYTES && tookMs > 0) {
      const known = hints.get(builder) ?? UNKNOWN;
      hints.set(builder, { ...known, bytesPerSecond: (bytes * 1_000) / tookMs });
    }
  }
  const door = createBulkDoor({
    hostKey: settings.hostKey,
    openWithinMs: Math.min(OPEN_WITHIN_MS, settings.stallMs),
    ask: (builder, channel, use, isAnew) => tell({ kind: 'open', builder, channel, use, isAnew }),
    turnedAway: (from, reason) => tell({ kind: 'turned_away', from, reason }),
  });
  const substitutions = createSubstitutions(tell);
  setInterval(
    () => {
      const builders = door.heard();
      if (builders.length > 0) {
        tell({ kind: 'heard', builders });
      }
    },
    Math.min(TELL_EVERY_MS, settings.heartbeatMs),
  );

  function answer(message: FromCourier): void {
    tell({ kind: 'from_courier', message });
  }
  function carrierOf(builder: string): Carrier {
    let carrier = carriers.get(builder);
    if (carrier === undefined) {
      carrier = ports.createCarrier(
        async (signal, { compression }) =>
          toRemoteEnd(await door.open(builder, { kind: 'store', compression }, signal)),
        () => hints.get(builder) ?? UNKNOWN,
      );
      carriers.set(builder, carrier);
    }
    return carrier;
  }
  /** To one answer, whatever happens. */
  async function perform(
    { id, builder }: { readonly id: number; readonly builder: string },
    act: (work: Work) => Promise<FromCourier>,
  ): Promise<void> {
    const work: Work = { stopping: new AbortController(), release: undefined, pump: undefined };
    works.set(id, work);
    try {
      const done = await act(work);
      if (work.stopping.signal.aborted) {
        // Nobody waits for it any more, and nobody will say so again.
        work.release?.();
      }
      answer(done);
    } catch (error) {
      works.delete(id);
      const code = isAppError(error) ? error.code : 'closure.broken';
      if (code === 'closure.stalled') {
        door.abandon(builder);
      }
      answer({ kind: 'failed', id, code, reason: messageOf(error) });
    }
    if (work.release === undefined) {
      works.delete(id);
    }
  }
  function progressOf(id: number): {
    readonly step: (step: 'asking' | 'substituting') => void;
    readonly progress: (progress: Progress) => void;
  } {
    let toldAt = 0;
    const nothing = { pathsDone: 0, pathsTotal: 0, bytesDone: 0, bytesTotal: 0 };
    return {
      step: (step) => answer({ kind: 'progress', id, step, ...nothing }),
      progress: ({ pathsDone, pathsTotal, bytesDone, bytesTotal }) => {
        const now = performance.now();
        if (now - toldAt >= PROGRESS_EVERY_MS) {
          toldAt = now;
          answer({ kind: 'progress', id, step: 'sending', pathsDone, pathsTotal, bytesDone, bytesTotal });
        }
      },
    };
  }

  async function push(order: Extract<ToCourier, { kind: 'push' }>, work: Work): Promise<FromCourier> {
    const { id, builder, drvPaths } = order;
    const { step, progress } = progressOf(id);
    step('asking');
    const from = performance.now();
    // Derivations are sent meanwhile; what one waits for is what the builder fetches.
    let isFetching = false;
    const result = await carrierOf(builder).push(
      { drvPaths },
      {
        progress: (told) => {
          if (!isFetching) {
            progress(told);
          }
        },
        ...(order.maySubstitute
          ? {
              substitute: async (paths, signal, alive) => {
                step('substituting');
                isFetching = true;
                await substitutions.run(builder, paths, signal, (bytesDone, bytesTotal) => {
                  alive();
                  answer({
                    kind: 'progress',
                    id,
                    step: 'substituting',
                    pathsDone: 0,
                    pathsTotal: paths.length,
                    bytesDone,
                    bytesTotal,
                  });
                });
                isFetching = false;
              },
            }
          : {}),
      },
      work.stopping.signal,
    );
    measured(builder, result.bytes, performance.now() - from);
    work.release = () => result.release();
    const given = new Set<string>(drvPaths);
    const inputs = result.heads.filter((path) => !given.has(path));
    return { kind: 'pushed', id, inputs, covered: result.covered, bytes: result.bytes };
  }
  async function pull(order: Extract<ToCourier, { kind: 'pull' }>, work: Work): Promise<FromCourier> {
    const { id, builder, drvPath, outputs } = order;
    const { step, progress } = progressOf(id);
    step('asking');
    const carrier = carrierOf(builder);
    const covered = order.covered ?? (await carrier.coveredOutputs(drvPath, work.stopping.signal));
    const from = performance.now();
    const result = await carrier.pull({ drvPath, outputs, covered }, { progress }, work.stopping.signal);
    measured(builder, result.bytes, performance.now() - from);
    work.release = () => result.release();
    return { kind: 'pulled', id, bytes: result.bytes };
  }
  async function readLog(order: Extract<ToCourier, { kind: 'log' }>, work: Work): Promise<FromCourier> {
    const { id, builder, lease, from } = order;
    const { signal } = work.stopping;
    const { stream } = await door.open(builder, { kind: 'log', lease, from }, signal);
    const stop = (): void => void stream.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      work.pump = startLogPump(stream, (lines) => answer({ kind: 'log_lines', id, lines }));
      return { kind: 'log_end', id, total: await work.pump.ended };
    } finally {
      signal.removeEventListener('abort', stop);
      stream.end();
    }
  }
  function takeOrder(order: ToCourier): void {
    switch (order.kind) {
      case 'push':
        void perform(order, (work) => push(order, work));
        break;
      case 'pull':
        void perform(order, (work) => pull(order, work));
        break;
      case 'log':
        void perform(order, (work) => readLog(order, work));
        break;
      case 'log_taken':
        works.get(order.id)?.pump?.taken(order.weight);
        break;
      case 'release': {
        const work = works.get(order.id);
        works.delete(order.id);
        work?.stopping.abort();
        work?.release?.();
        break;
      }
    }
  }

  return {
    take: (message, socket) => {
      switch (message.kind) {
        case 'key':
          door.key(message.builder, message.publicKey);
          hints.set(message.builder, {
            ...(hints.get(message.builder) ?? UNKNOWN),
            roundTripMs: message.roundTripMs ?? undefined,
          });
          if (message.publicKey === null) {
            carriers.get(message.builder)?.close();
            carriers.delete(message.builder);
          }
          break;
        case 'socket':
          if (socket !== undefined) {
            door.take(socket, Buffer.from(message.read, 'base64'));
          }
          break;
        case 'substituting':
          substitutions.moved(message);
          break;
        case 'substituted':
          substitutions.ended(message);
          break;
        case 'unopened':
          door.unopened(message);
          break;
        case 'broken':
          door.broken(message);
          break;
        case 'for_courier':
          takeOrder(message.message);
          break;
        case 'start':
          break;
      }
    },
  };
}

// Why a channel ended comes by the other connection, a moment before or after.
const REASON_WITHIN_MS = 300;

function toRemoteEnd(channel: BulkChannel): RemoteEnd {
  const { stream, brokenBy } = channel;
  const ended = Promise.withResolvers<string>();
  void brokenBy.then(ended.resolve);
  stream.once('close', () => {
    setTimeout(() => ended.resolve('its channel was closed'), REASON_WITHIN_MS).unref();
  });
  return {
    stream,
    unsentBytes: () => channel.unsentBytes(),
    ended: ended.promise,
    close: () => {
      stream.close();
      stream.destroy();
    },
  };
}
