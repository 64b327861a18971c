/**
 * Tells one forge what stands in the outbox, a few lines at a time, verdicts first. One line is never told twice at once,
 * so the last that was kept is the last that the forge hears. Trouble of the forge makes the whole of it wait, trouble of
 * one line only that line; nothing is given up but what the forge refuses for what it is.
 */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { AppError, isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { CheckStore, DueCheck } from '../ports/check-store.ts';
import type { Forge } from '../ports/forge.ts';
import { createAlarm } from './alarm.ts';
import type { ForgeHealth } from './forge-health.ts';

export interface PostPorts {
  readonly forge: Forge;
  readonly health: ForgeHealth;
  readonly checks: CheckStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Undefined for a repository that is not in the store any more. */
  slugOf(id: RepositoryId): RepositorySlug | undefined;
  /** Markdown for forges that show it. */
  summaryOf(check: DueCheck): Promise<string | null>;
  externalIdOf(check: DueCheck): string;
  /** What it is of: a branch, a tag, the head of a request; null where nobody knows any more. */
  refOf(check: DueCheck): GitRef | null;
  readonly pace: PostPace;
}

export interface PostPace {
  /** How many lines are told at the same time. */
  readonly atOnce: number;
  /** The least time between two lines: GitHub asks for a second between requests that make something. */
  readonly gapMs: number;
  /** The first wait after trouble; each later one is twice as long. */
  readonly retryMs: number;
}

export interface CheckPoster {
  /** There may be something to tell. */
  wake(): void;
  /** When nothing is under way any more, once the signal has aborted. */
  ended(): Promise<void>;
}

// An hour: what lacks a right gets it from a person, and each try is a request of everyone's allowance.
const LONGEST_WAIT_MS = 3_600_000;
// A forge that is down for a night is told within minutes of its return.
const LONGEST_SILENCE_MS = 300_000;
const MOST_TRIES = 5;
const BUFFER = 64;

export function createCheckPoster(ports: PostPorts, signal: AbortSignal): CheckPoster {
  const { forge, health, checks, clock, log, pace } = ports;
  const posting = new Map<number, Promise<void>>();
  let buffer: DueCheck[] = [];
  let quietUntil = 0;
  let troubles = 0;
  let isWaitingForHealth = false;
  const alarm = createAlarm(clock, fill, signal);

  function fill(): void {
    if (signal.aborted || isWaitingForHealth) {
      return;
    }
    if (health.pause !== undefined) {
      void waitForHealth();
      return;
    }
    while (posting.size < pace.atOnce) {
      const now = clock.now();
      if (now < quietUntil) {
        alarm.set(quietUntil);
        return;
      }
      const next = nextCheck();
      if (next === undefined) {
        alarm.set(checks.nextDueAt(forge.name) ?? Number.POSITIVE_INFINITY);
        return;
      }
      quietUntil = now + pace.gapMs;
      posting.set(next.id, post(next));
    }
  }

  function nextCheck(): DueCheck | undefined {
    if (buffer.length === 0) {
      buffer = checks.due(forge.name, clock.now(), BUFFER).filter(isFree);
    }
    for (let one = buffer.shift(); one !== undefined; one = buffer.shift()) {
      // What it is to say may have changed since it was read, or been told.
      const now = isFree(one) ? checks.findDue(one.id, clock.now()) : undefined;
      if (now !== undefined) {
        return now;
      }
    }
    return undefined;
  }

  function isFree({ id }: DueCheck): boolean {
    return !posting.has(id);
  }

  async function waitForHealth(): Promise<void> {
    isWaitingForHealth = true;
    await health.working(signal);
    isWaitingForHealth = false;
    buffer = [];
    fill();
  }

  async function post(check: DueCheck): Promise<void> {
    // One turn later: it has to stand among those that are under way first.
    await Promise.resolve();
    try {
      await tell(check);
    } catch (error) {
      if (!signal.aborted) {
        log.error({ err: error, forge: forge.name }, 'the outbox met trouble of its own');
        quietUntil = clock.now() + pace.retryMs;
      }
    } finally {
      posting.delete(check.id);
      fill();
    }
  }

  async function tell(check: DueCheck): Promise<void> {
    const slug = ports.slugOf(check.repositoryId);
    if (slug === undefined) {
      await checks.abandon(check.id, check.version, 'Its repository is not known any more.');
      return;
    }
    try {
      const summary = forge.showsMarkdown ? await ports.summaryOf(check) : null;
      const handle = await forge.post(
        slug,
        {
          sha: check.sha,
          context: check.context,
          state: check.state,
          description: check.description,
          url: check.url,
          summary,
          externalId: ports.externalIdOf(check),
          handle: check.handle,
          ref: ports.refOf(check),
        },
        signal,
      );
      troubles = 0;
      await checks.posted(check.id, check.version, handle, clock.now());
    } catch (error) {
      signal.throwIfAborted();
      await putOff(
        check,
        error instanceof AppError || isAppError(error) ? error : undefined,
        messageOf(error),
      );
    }
  }

  async function putOff(check: DueCheck, error: AppError | undefined, trouble: string): Promise<void> {
    const now = clock.now();
    const again = toEpochMs(now + Math.min(retryDelayMs(pace.retryMs, check.tries + 1), LONGEST_WAIT_MS));
    if (error?.code === 'forge.unauthorized') {
      // Nothing of it was told: it goes on where it is when the forge works again.
      return;
    }
    if (error?.code === 'forge.rate-limited') {
      quietUntil = Math.max(quietUntil, now + Number(error.details['retryAfterMs'] ?? pace.retryMs));
      buffer = [];
      return;
    }
    if (error?.code === 'forge.refused' && check.tries + 1 >= MOST_TRIES) {
      log.error({ forge: forge.name, trouble, context: check.context }, 'a forge does not take a check');
      await checks.abandon(check.id, check.version, trouble);
      return;
    }
    if (error?.code === 'forge.unreachable' || error?.code === 'forge.failed') {
      troubles += 1;
      const waitMs = Math.min(retryDelayMs(pace.retryMs, troubles), LONGEST_SILENCE_MS);
      quietUntil = Math.max(quietUntil, now + waitMs);
    }
    log.warn({ forge: forge.name, trouble, context: check.context }, 'a check is told later');
    await checks.postpone(check.id, again, trouble);
  }

  return {
    wake: () => {
      buffer = [];
      fill();
    },
    ended: async () => {
      await Promise.all(posting.values());
    },
  };
}
