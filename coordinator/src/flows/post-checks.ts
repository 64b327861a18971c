/**
 * Tells one forge what stands in the outbox, a few lines at a time, verdicts first. One line is never told twice at once,
 * so the last that was kept is the last that the forge hears. Trouble of the forge makes the whole of it wait, trouble of
 * one line only that line; nothing is given up but what the forge refuses for what it is.
 */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { type AppError, isAppError, messageOf } from '@argunix/shared/kit/app-error';
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
  /** Undefined while nobody knows it. */
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
// An adapter that names no time is a mistake; asking again at once would make it worse.
const LEAST_LIMIT_MS = 1_000;
const MOST_REFUSALS = 5;
const BUFFER = 64;

export function createCheckPoster(ports: PostPorts, signal: AbortSignal): CheckPoster {
  const { forge, health, checks, clock, log, pace } = ports;
  const posting = new Map<number, Promise<void>>();
  let buffer: DueCheck[] = [];
  /** The gap between two lines. */
  let nextAt = 0;
  /** The forge is down, or asked us to wait. */
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
      const mayAt = Math.max(nextAt, quietUntil);
      if (now < mayAt) {
        alarm.set(mayAt);
        return;
      }
      const next = nextCheck();
      if (next === undefined) {
        // What is due already is under way, and its end comes here by itself.
        alarm.set(checks.nextDueAt(forge.name, now) ?? Number.POSITIVE_INFINITY);
        return;
      }
      nextAt = now + pace.gapMs;
      posting.set(next.id, post(next));
    }
  }

  function nextCheck(): DueCheck | undefined {
    for (let isRead = false; ; isRead = true) {
      for (let one = buffer.shift(); one !== undefined; one = buffer.shift()) {
        // What it is to say may have changed since it was read, or been told.
        const now = isFree(one) ? checks.findDue(one.id, clock.now()) : undefined;
        if (now !== undefined) {
          return now;
        }
      }
      if (isRead) {
        return undefined;
      }
      buffer = checks.due(forge.name, clock.now(), BUFFER + posting.size).filter(isFree);
    }
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
        beQuietFor(pace.retryMs);
      }
    } finally {
      posting.delete(check.id);
      fill();
    }
  }

  async function tell(check: DueCheck): Promise<void> {
    const slug = ports.slugOf(check.repositoryId);
    if (slug === undefined) {
      await postpone(check, pace.retryMs, 'Its repository is not known yet.');
      return;
    }
    const begunAt = clock.now();
    let handle: string | null;
    try {
      handle = await forge.post(
        slug,
        {
          sha: check.sha,
          context: check.context,
          state: check.state,
          description: check.description,
          url: check.url,
          summary: await summaryOf(check),
          externalId: ports.externalIdOf(check),
          handle: check.handle,
          ref: ports.refOf(check),
        },
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      await putOff(check, isAppError(error) ? error : undefined, messageOf(error), begunAt);
      return;
    }
    troubles = 0;
    await checks.posted(check.id, check.version, handle, clock.now());
  }

  /** A verdict without the end of a log is better than none. */
  async function summaryOf(check: DueCheck): Promise<string | null> {
    try {
      return forge.showsMarkdown ? await ports.summaryOf(check) : null;
    } catch (error) {
      log.warn({ err: error, forge: forge.name, context: check.context }, 'a summary could not be made');
      return null;
    }
  }

  async function putOff(
    check: DueCheck,
    error: AppError | undefined,
    trouble: string,
    begunAt: number,
  ): Promise<void> {
    const code = error?.code;
    if (code === 'forge.unauthorized') {
      // Nothing of it was told: it goes on where it is when the forge works again.
      return;
    }
    if (error !== undefined && code === 'forge.rate-limited') {
      beQuietFor(limitOf(error));
      return;
    }
    if (code === 'forge.refused') {
      await putOffRefused(check, trouble);
      return;
    }
    const isOfForge = code === 'forge.unreachable' || code === 'forge.failed';
    // Those that were under way when the first of them met it tell nothing new.
    if (isOfForge && begunAt >= quietUntil) {
      troubles += 1;
      beQuietFor(Math.min(retryDelayMs(pace.retryMs, troubles), LONGEST_SILENCE_MS));
    }
    // The line steps back too, lest one that always fails be first again and again: the longer it has waited, the more.
    const waitedMs = clock.now() - check.changedAt;
    const longestMs = isOfForge ? LONGEST_SILENCE_MS : LONGEST_WAIT_MS;
    await postpone(check, Math.min(Math.max(pace.retryMs, waitedMs), longestMs), trouble);
  }

  async function putOffRefused(check: DueCheck, trouble: string): Promise<void> {
    const refusals = check.refusals + 1;
    if (refusals >= MOST_REFUSALS) {
      log.error({ forge: forge.name, trouble, context: check.context }, 'a forge does not take a check');
      await checks.abandon(check.id, check.version, trouble);
      return;
    }
    await postpone(check, retryDelayMs(pace.retryMs, refusals), trouble, refusals);
  }

  async function postpone(
    check: DueCheck,
    waitMs: number,
    trouble: string,
    refusals = check.refusals,
  ): Promise<void> {
    log.warn({ forge: forge.name, trouble, context: check.context }, 'a check is told later');
    const until = toEpochMs(clock.now() + Math.ceil(waitMs));
    await checks.postpone(check.id, check.version, { until, trouble, refusals });
  }

  function beQuietFor(ms: number): void {
    quietUntil = Math.max(quietUntil, clock.now() + ms);
    buffer = [];
  }

  function limitOf({ details }: AppError): number {
    const asked = Number(details['retryAfterMs']);
    return Number.isFinite(asked) ? Math.max(asked, LEAST_LIMIT_MS) : Math.max(pace.retryMs, LEAST_LIMIT_MS);
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
