/** One forge, what is to be told it, and whoever tells it: which can be stopped and started anew on the same store. */
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { createForgeHealth, type ForgeHealth } from '../src/flows/forge-health.ts';
import { guardedForge } from '../src/flows/guarded-forge.ts';
import {
  type CheckPoster,
  createCheckPoster,
  type PostPace,
  type PostPorts,
} from '../src/flows/post-checks.ts';
import type { WantedCheck } from '../src/ports/check-store.ts';
import type { CheckState } from '../src/ports/forge.ts';
import type { FakeForge } from './fakes/fake-forge.ts';
import { type ForgeStores, type KeptLog, keptLog, SLUG } from './forge-fixture.ts';

export const PACE: PostPace = { atOnce: 4, gapMs: 0, retryMs: 1_000 };
export const PROBE_MS = 30_000;

export interface OutboxHouse {
  readonly log: KeptLog;
  readonly health: ForgeHealth;
  readonly poster: CheckPoster;
  start(): void;
  stop(): Promise<void>;
}

export function outboxHouse(
  stores: ForgeStores,
  fake: FakeForge,
  some: Partial<Pick<PostPorts, 'pace' | 'slugOf' | 'summaryOf'>> = {},
): OutboxHouse {
  const { clock, checks } = stores;
  const log = keptLog();
  let stopping = new AbortController();
  let health: ForgeHealth;
  let poster: CheckPoster;
  function start(): void {
    stopping = new AbortController();
    const { signal } = stopping;
    const { forge } = fake;
    health = createForgeHealth({ forge, clock, log, probeMs: PROBE_MS, onChange: () => undefined }, signal);
    poster = createCheckPoster(
      {
        forge: guardedForge(forge, health),
        health,
        checks,
        clock,
        log,
        slugOf: () => SLUG,
        refOf: () => null,
        summaryOf: () => Promise.resolve(null),
        externalIdOf: ({ id }) => `line:${id}`,
        pace: PACE,
        ...some,
      },
      signal,
    );
    poster.wake();
  }
  start();
  return {
    log,
    get health() {
      return health;
    },
    get poster() {
      return poster;
    },
    start,
    stop: async () => {
      stopping.abort();
      await poster.ended();
    },
  };
}

export function wantedCheck(
  evaluationId: EvaluationId,
  context: string,
  state: CheckState,
  description: string = state,
): WantedCheck {
  return { context, evaluationId, jobId: null, state, description, url: 'https://ci.test/1' };
}
