/**
 * One serve process that is only asked, never given a stream: so nothing that goes wrong with a transfer can end it, and
 * what it was asked about stays held from the collector until everyone who asked has let go. Then it stays a little
 * longer, for the next.
 */
import { AppError } from '@argunix/shared/kit/app-error';
import type { PathInfo } from './path-info.ts';
import { queryClosure, queryPathInfos, queryValidPaths } from './serve-questions.ts';
import type { ServeSession } from './serve-session.ts';

/** May be asked by several at once. After a trouble the process is gone, and so is all that it held. */
export interface DeskHold {
  /** Those that are valid; each, valid or not, is held from the collector until the release. */
  validPaths(paths: readonly string[]): Promise<ReadonlySet<string>>;
  /** Of those that are valid. */
  pathInfos(paths: readonly string[]): Promise<ReadonlyMap<string, PathInfo>>;
  /** All that these refer to, themselves too; each must be valid. */
  closureOf(paths: readonly string[]): Promise<readonly string[]>;
  /** Once or more. */
  release(): void;
}

export interface QuestionDesk {
  hold(): Promise<DeskHold>;
  /** Ends the process, whoever holds it. */
  close(): void;
}

export interface DeskOptions {
  /** Must end with the signal, and not leave a process behind. */
  readonly open: (signal: AbortSignal) => Promise<ServeSession>;
  readonly who: string;
  readonly stallMs: number;
  readonly idleMs: number;
}

// Of one process; then another takes over. Three times a NixOS system with all its derivations; 10 MB here and there.
const MAX_HELD = 100_000;

interface Clerk {
  readonly session: Promise<ServeSession>;
  readonly opening: AbortController;
  queue: Promise<unknown>;
  holds: number;
  /** Every path that it was asked about: it holds them, so what was valid stays so. */
  readonly held: Map<string, boolean>;
  isOpen: boolean;
  idleTimer: NodeJS.Timeout | undefined;
}

export function createQuestionDesk(options: DeskOptions): QuestionDesk {
  const clerks = new Set<Clerk>();
  let current: Clerk | undefined;

  function hire(): Clerk {
    const opening = new AbortController();
    const session = withinStall(
      () => options.open(opening.signal),
      () => opening.abort(),
    );
    const clerk: Clerk = {
      session,
      opening,
      queue: session,
      holds: 0,
      held: new Map(),
      isOpen: true,
      idleTimer: undefined,
    };
    clerks.add(clerk);
    session.then(
      ({ ended }) => ended.then(() => dismiss(clerk)),
      () => dismiss(clerk),
    );
    return clerk;
  }
  function dismiss(clerk: Clerk): void {
    clerk.isOpen = false;
    clerks.delete(clerk);
    clearTimeout(clerk.idleTimer);
    clerk.opening.abort();
    clerk.session.then(
      (session) => session.destroy(),
      () => undefined,
    );
  }
  /** Every byte starts the time anew. */
  async function withinStall<Answer>(
    question: (onMoved: () => void) => Promise<Answer>,
    onStall: () => void,
  ): Promise<Answer> {
    const { promise: stalled, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      onStall();
      reject(
        new AppError('closure.stalled', `${options.who} did not answer for ${options.stallMs / 1_000} s`),
      );
    }, options.stallMs);
    try {
      return await Promise.race([question(() => timer.refresh()), stalled]);
    } finally {
      clearTimeout(timer);
    }
  }
  function ask<Answer>(clerk: Clerk, question: (session: ServeSession) => Promise<Answer>): Promise<Answer> {
    async function asked(): Promise<Answer> {
      const session = await clerk.session;
      try {
        return await withinStall(
          (onMoved) => {
            session.onMoved(onMoved);
            return question(session);
          },
          () => dismiss(clerk),
        );
      } catch (error) {
        const explained = await session.explain(error);
        dismiss(clerk);
        throw explained;
      }
    }
    const answer = clerk.queue.then(asked);
    clerk.queue = answer;
    // Whoever comes after a trouble gets that trouble: the process is gone.
    answer.catch(() => undefined);
    return answer;
  }
  async function askForValid(clerk: Clerk, paths: readonly string[]): Promise<ReadonlySet<string>> {
    const unknown = paths.filter((path) => clerk.held.get(path) !== true);
    if (unknown.length > 0) {
      const valid = await ask(clerk, (session) => queryValidPaths(session, unknown));
      for (const path of unknown) {
        clerk.held.set(path, valid.has(path));
      }
    }
    if (!clerk.isOpen) {
      throw new AppError('closure.broken', `${options.who} ended, and what it held is held no more`);
    }
    return new Set(paths.filter((path) => clerk.held.get(path) === true));
  }
  function letGo(clerk: Clerk): void {
    clerk.holds -= 1;
    if (clerk.holds === 0 && clerk.isOpen) {
      clerk.idleTimer = setTimeout(() => dismiss(clerk), clerk === current ? options.idleMs : 0);
    }
  }
  return {
    async hold() {
      if (current?.isOpen !== true || current.held.size > MAX_HELD) {
        current = hire();
      }
      const clerk = current;
      clearTimeout(clerk.idleTimer);
      clerk.holds += 1;
      let isHeld = true;
      function release(): void {
        if (isHeld) {
          isHeld = false;
          letGo(clerk);
        }
      }
      try {
        await clerk.session;
      } catch (error) {
        release();
        throw error;
      }
      return {
        validPaths: (paths) => askForValid(clerk, paths),
        pathInfos: (paths) => ask(clerk, (session) => queryPathInfos(session, paths)),
        closureOf: (paths) => ask(clerk, (session) => queryClosure(session, paths)),
        release,
      };
    },
    close() {
      for (const clerk of clerks) {
        dismiss(clerk);
      }
    },
  };
}
