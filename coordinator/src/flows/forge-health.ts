/**
 * Whether a forge takes our credential. A 401 pauses that forge: nothing more is sent, nothing is lost, everyone is told.
 * It probes by itself, reading the credential anew each time, with growing waits; the first probe that works ends the
 * pause. Only this file changes the state.
 */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { AppError, isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { Forge } from '../ports/forge.ts';

export interface ForgePause {
  readonly since: EpochMs;
  /** For operators: it may name a repository. */
  readonly reason: string;
  readonly nextProbeAt: EpochMs;
}

export interface ForgeHealth {
  /** Undefined while it works. */
  readonly pause: ForgePause | undefined;
  /** Runs a request to the forge; throws `forge.unauthorized` without sending one while it is paused. */
  ask<T>(request: () => Promise<T>): Promise<T>;
  /** Resolves when it is not paused, or the signal aborts. */
  working(signal: AbortSignal): Promise<void>;
  /** Something else that needs the credential did not work: finds out whether that is why. Throws nothing. */
  suspect(): Promise<void>;
  /** Probes now. Resolves with the sentence why it still does not work, undefined when it does. */
  resume(): Promise<string | undefined>;
}

export interface HealthPorts {
  readonly forge: Pick<Forge, 'name' | 'probe' | 'refresh'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The first wait between probes; each later one is twice as long. */
  readonly probeMs: number;
  onChange(): void;
}

// A token is renewed by a person: ten minutes more are not noticed then.
const LONGEST_PROBE_MS = 600_000;

export function createForgeHealth(ports: HealthPorts, signal: AbortSignal): ForgeHealth {
  const { forge, clock, log } = ports;
  let pause: ForgePause | undefined;
  let pauses = 0;
  let works = Promise.withResolvers<void>();
  let wake = new AbortController();
  works.resolve();

  function pauseFor(reason: string): void {
    if (pause !== undefined || signal.aborted) {
      return;
    }
    pause = { since: clock.now(), reason, nextProbeAt: later(1) };
    pauses += 1;
    works = Promise.withResolvers();
    log.error({ forge: forge.name, reason }, 'a forge refuses our credential and is paused');
    ports.onChange();
    void probeUntilItWorks();
  }

  function isPaused(): boolean {
    return pause !== undefined && !signal.aborted;
  }

  function later(failures: number): EpochMs {
    return toEpochMs(clock.now() + Math.min(retryDelayMs(ports.probeMs, failures), LONGEST_PROBE_MS));
  }

  async function probeUntilItWorks(): Promise<void> {
    for (let failures = 1; isPaused(); ) {
      wake = new AbortController();
      const waitMs = (pause?.nextProbeAt ?? 0) - clock.now();
      if (waitMs > 0) {
        // By hand it may have been probed meanwhile, which is as good.
        await clock.sleep(waitMs, AbortSignal.any([signal, wake.signal]));
      } else {
        failures += 1;
        await probe(failures);
      }
    }
  }

  async function probe(failures: number): Promise<string | undefined> {
    try {
      forge.refresh();
      await forge.probe(signal);
    } catch (error) {
      const reason = messageOf(error);
      if (pause !== undefined) {
        pause = { ...pause, reason, nextProbeAt: later(failures) };
        ports.onChange();
      }
      return reason;
    }
    if (pause !== undefined) {
      log.warn({ forge: forge.name, pausedMs: clock.now() - pause.since }, 'a forge works again');
      pause = undefined;
      works.resolve();
      ports.onChange();
    }
    return undefined;
  }

  return {
    get pause() {
      return pause;
    },
    ask: async (request) => {
      if (pause !== undefined) {
        // Without the reason, which names what was asked for then: maybe a private repository, and this is told of others.
        throw new AppError('forge.unauthorized', `${forge.name} is paused: it refuses our credential.`, {
          forge: forge.name,
        });
      }
      const begunAfter = pauses;
      try {
        return await request();
      } catch (error) {
        // One that was under way during a pause tells of the credential of before it.
        if (isAppError(error) && error.code === 'forge.unauthorized' && begunAfter === pauses) {
          pauseFor(messageOf(error));
        }
        throw error;
      }
    },
    working: async (waiting) => {
      if (pause === undefined || waiting.aborted) {
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const onAbort = (): void => resolve();
      waiting.addEventListener('abort', onAbort, { once: true });
      await Promise.race([works.promise, promise]);
      waiting.removeEventListener('abort', onAbort);
    },
    suspect: async () => {
      if (pause !== undefined) {
        return;
      }
      try {
        await forge.probe(signal);
      } catch (error) {
        if (isAppError(error) && error.code === 'forge.unauthorized') {
          pauseFor(messageOf(error));
        }
      }
    },
    resume: async () => {
      const trouble = await probe(1);
      wake.abort();
      return trouble;
    },
  };
}
