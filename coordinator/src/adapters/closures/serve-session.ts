/**
 * A conversation with one `nix-store --serve`: what is read from it, what is given to it, and the error that tells how
 * it went wrong. Our own that fails is Nix failing; the builder's is a broken connection, or a builder that lies.
 */
import { AppError, isAppError } from '@argunix/shared/kit/app-error';
import type { ErrorCode } from '@argunix/shared/kit/error-codes';
import { greetServer } from '@argunix/shared/nix/serve-greeting';
import { createWireReader, type WireReader, type WireTrouble } from '@argunix/shared/nix/serve-protocol';
import { type ByteSink, createByteSink } from './byte-sink.ts';
import type { ServeEnd } from './serve-end.ts';

export type Side = 'ours' | 'builder';

export interface ServeSession {
  readonly reader: WireReader;
  readonly sink: ByteSink;
  isOpen(): boolean;
  /** Resolves when the process is gone. */
  readonly ended: Promise<unknown>;
  /** Calls `listener` whenever bytes came or left, until the next one is named. */
  onMoved(listener: () => void): void;
  /** An answer that is well-formed and wrong. */
  refusal(sentence: string): AppError;
  /** What the process said on its way out is the better reason. */
  explain(error: unknown): Promise<unknown>;
  destroy(): void;
}

const CODES: Readonly<Record<Side, Readonly<Record<WireTrouble, ErrorCode>>>> = {
  ours: { ended: 'nix.failed', malformed: 'nix.failed' },
  builder: { ended: 'closure.broken', malformed: 'closure.refused' },
};
const NAMES: Readonly<Record<Side, string>> = { ours: 'this host', builder: 'the builder' };
// A process that closed its output is about to end.
const LAST_WORDS_MS = 1_000;

/** Greets it. What cannot be greeted before the signal aborts is destroyed. */
export async function openServeSession(
  end: ServeEnd,
  side: Side,
  signal: AbortSignal,
): Promise<ServeSession> {
  let isOpen = true;
  let moved: (() => void) | undefined;
  void end.ended.then(() => {
    isOpen = false;
  });
  function toError(trouble: WireTrouble, sentence: string): AppError {
    return new AppError(CODES[side][trouble], `nix-store --serve of ${NAMES[side]}: ${sentence}`, {
      side,
      trouble,
    });
  }
  const session: ServeSession = {
    reader: createWireReader(end.output, toError, () => moved?.()),
    sink: createByteSink({
      input: end.input,
      unsentBytes: () => end.unsentBytes(),
      onMoved: () => moved?.(),
      toError: (sentence) => toError('ended', sentence),
    }),
    isOpen: () => isOpen && !end.input.destroyed && !end.output.destroyed,
    onMoved(listener) {
      moved = listener;
    },
    ended: end.ended,
    refusal: (sentence) => toError('malformed', sentence),
    async explain(error) {
      if (!isAppError(error) || error.details['side'] !== side || error.details['trouble'] !== 'ended') {
        return error;
      }
      const said = await lastWords(end);
      return said === ''
        ? error
        : new AppError(error.code, `${NAMES[side]}: ${said}${adviceFor(said)}`, error.details, error);
    },
    destroy() {
      isOpen = false;
      end.destroy();
    },
  };
  const onAbort = (): void => session.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const refusal = await greetServer(end.input, session.reader);
    if (refusal !== undefined) {
      throw session.refusal(refusal);
    }
    return session;
  } catch (error) {
    const explained = await session.explain(error);
    session.destroy();
    throw signal.aborted ? signal.reason : explained;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function adviceFor(said: string): string {
  return /lacks a (?:valid )?signature/.test(said)
    ? ' (who runs nix-store there must be among `trusted-users` of its nix.conf)'
    : '';
}

async function lastWords(end: ServeEnd): Promise<string> {
  const { promise: enough, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(''), LAST_WORDS_MS);
  try {
    return await Promise.race([end.ended, enough]);
  } finally {
    clearTimeout(timer);
  }
}
