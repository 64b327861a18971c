/** What the coordinator asks of the courier, each to one answer. When the SSH side ends, everything asked ends as broken. */
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { ERROR_CODES, type ErrorCode } from '@argunix/shared/kit/error-codes';
import type { WireLogLine } from '@argunix/shared/protocol/log-stream';
import { type FromCourier, type ToCourier, weightOf } from '../messages.ts';

export type CourierProgress = Extract<FromCourier, { kind: 'progress' }>;

export interface Pushed {
  readonly inputs: readonly string[];
  readonly covered: readonly string[];
  readonly bytes: number;
  /** What it brought may be collected there from now on. */
  release(): void;
}

export interface Pulled {
  readonly bytes: number;
  /** What it brought may be collected here from now on. */
  release(): void;
}

export interface CourierClient {
  push(
    request: {
      readonly builder: string;
      readonly drvPaths: readonly DerivationPath[];
      readonly maySubstitute: boolean;
    },
    onProgress: (progress: CourierProgress) => void,
    signal: AbortSignal,
  ): Promise<Pushed>;
  pull(
    request: {
      readonly builder: string;
      readonly drvPath: DerivationPath;
      readonly outputs: readonly string[];
      readonly covered: readonly string[] | null;
    },
    onProgress: (progress: CourierProgress) => void,
    signal: AbortSignal,
  ): Promise<Pulled>;
  /** The log of a lease from a line on. How many lines it has in all; null when it was cut off. */
  log(
    request: { readonly builder: string; readonly lease: LeaseId; readonly from: number },
    onLines: (lines: readonly WireLogLine[]) => void,
    signal: AbortSignal,
  ): Promise<number | null>;
  take(message: FromCourier): void;
  /** The courier is gone. */
  broke(reason: string): void;
}

type Answer = Extract<FromCourier, { kind: 'pushed' | 'pulled' | 'log_end' }>;

interface Asked {
  resolve(answer: Answer): void;
  reject(error: AppError): void;
  progress(message: CourierProgress): void;
  lines(lines: readonly WireLogLine[]): void;
}

export function createCourierClient(send: (message: ToCourier) => void): CourierClient {
  const open = new Map<number, Asked>();
  let lastId = 0;

  async function ask(
    message: (id: number) => ToCourier,
    hear: Pick<Asked, 'progress' | 'lines'>,
    signal: AbortSignal,
  ): Promise<{ readonly id: number; readonly answer: Answer }> {
    signal.throwIfAborted();
    lastId += 1;
    const id = lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    open.set(id, { ...hear, resolve, reject });
    const onAbort = (): void => {
      send({ kind: 'release', id });
      reject(new AppError('closure.broken', 'It is not wanted any more.'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    send(message(id));
    try {
      return { id, answer: await promise };
    } finally {
      signal.removeEventListener('abort', onAbort);
      open.delete(id);
    }
  }
  const silent = { progress: () => undefined, lines: () => undefined };

  return {
    push: async (request, onProgress, signal) => {
      const { id, answer } = await ask(
        (given) => ({ kind: 'push', id: given, ...request }),
        { ...silent, progress: onProgress },
        signal,
      );
      if (answer.kind !== 'pushed') {
        throw new Error(`the courier answered a push with ${answer.kind}`);
      }
      const { inputs, covered, bytes } = answer;
      return { inputs, covered, bytes, release: () => send({ kind: 'release', id }) };
    },
    pull: async (request, onProgress, signal) => {
      const { id, answer } = await ask(
        (given) => ({ kind: 'pull', id: given, ...request }),
        { ...silent, progress: onProgress },
        signal,
      );
      if (answer.kind !== 'pulled') {
        throw new Error(`the courier answered a pull with ${answer.kind}`);
      }
      return { bytes: answer.bytes, release: () => send({ kind: 'release', id }) };
    },
    log: async (request, onLines, signal) => {
      const { answer } = await ask(
        (given) => ({ kind: 'log', id: given, ...request }),
        { ...silent, lines: onLines },
        signal,
      );
      return answer.kind === 'log_end' ? answer.total : null;
    },
    take: (message) => {
      const asked = open.get(message.id);
      switch (message.kind) {
        case 'progress':
          asked?.progress(message);
          break;
        case 'log_lines':
          asked?.lines(message.lines);
          send({ kind: 'log_taken', id: message.id, weight: weightOf(message.lines) });
          break;
        case 'failed':
          asked?.reject(new AppError(toCode(message.code), message.reason));
          break;
        case 'pushed':
        case 'pulled':
        case 'log_end':
          if (asked === undefined) {
            // Nobody waits for it any more: what it holds is let go.
            send({ kind: 'release', id: message.id });
          } else {
            asked.resolve(message);
          }
      }
    },
    broke: (reason) => {
      for (const asked of open.values()) {
        asked.reject(new AppError('closure.broken', reason));
      }
      open.clear();
    },
  };
}

function toCode(text: string): ErrorCode {
  return Object.keys(ERROR_CODES).find((code): code is ErrorCode => code === text) ?? 'closure.broken';
}
