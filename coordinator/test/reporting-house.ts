/** Evaluations that live and end as a test says, and a forge that is told of it by the real reporter and outbox. */
import type { EvaluationOutcome } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import type { Sha } from '@argunix/shared/domain/sha';
import { outcomeOf } from '../src/domain/evaluation-outcome.ts';
import { type CheckReporter, createCheckReporter } from '../src/flows/report-checks.ts';
import type { Changes } from '../src/ports/changes.ts';
import type { Opening } from '../src/ports/delivery-store.ts';
import type { NewJob } from '../src/ports/job-store.ts';
import { createFakeChanges } from './fakes/changes.ts';
import type { FakeForge } from './fakes/fake-forge.ts';
import type { ForgeStores } from './forge-fixture.ts';
import { type OutboxHouse, outboxHouse } from './outbox-house.ts';
import { newJob, received } from './store-fixture.ts';

export interface ReportingHouse {
  readonly changes: Changes;
  readonly outbox: OutboxHouse;
  /** What comes of the jobs, below the present revision: context → state. */
  lines(sha: Sha): Readonly<Record<string, string>>;
  accept(sha: Sha, some?: Parameters<typeof received>[2], opening?: Opening): Promise<EvaluationId>;
  /** queued → building, with these jobs. */
  build(id: EvaluationId, attrs: readonly (string | NewJob)[]): Promise<readonly JobId[]>;
  settle(id: EvaluationId, jobIds: readonly JobId[], status: JobEnding, attempt?: number): Promise<void>;
  finish(id: EvaluationId): Promise<EvaluationOutcome>;
  /** Something of it changed and is stored. */
  tell(id: EvaluationId): Promise<void>;
  /** As when a forge is there again. */
  takeUp(): void;
  start(): void;
  stop(): Promise<void>;
}

export interface HouseOptions {
  readonly threshold?: () => number;
  /** False while the configuration has no such forge. */
  readonly hasForge?: () => boolean;
}

export function reportingHouse(
  stores: ForgeStores,
  fake: FakeForge,
  { threshold = () => 100, hasForge = () => true }: HouseOptions = {},
): ReportingHouse {
  const { clock, evaluations, jobs, deliveries, repository } = stores;
  const changes = createFakeChanges();
  const outbox = outboxHouse(stores, fake);
  let stopping = new AbortController();
  let reporter: CheckReporter;

  function start(): void {
    stopping = new AbortController();
    reporter = createCheckReporter(
      {
        ...stores,
        changes,
        log: outbox.log,
        retryMs: 1_000,
        reported: (id) =>
          id === repository.id && hasForge()
            ? {
                forge: repository.forge,
                collapsedCheckThreshold: threshold(),
                evaluationUrl: (evaluationId) => `https://ci.test/${evaluationId}`,
                jobUrl: (evaluationId, attr) => `https://ci.test/${evaluationId}/${attr}`,
              }
            : undefined,
        onNews: () => outbox.poster.wake(),
      },
      stopping.signal,
    );
    reporter.start();
  }
  start();

  async function tell(evaluationId: EvaluationId): Promise<void> {
    changes.tell({ kind: 'evaluation', evaluationId });
    await clock.advance(0);
  }

  return {
    changes,
    outbox,
    lines: (sha) =>
      Object.fromEntries(
        [...fake.shown(sha)].map(([context, { state }]) => [context.slice('argunix: '.length), state]),
      ),
    accept: async (sha, some = {}, opening = { status: 'queued' }) => {
      const delivery = await received(stores, '0', { ...some, sha });
      const id = await deliveries.accept(delivery, clock.now(), opening);
      if (id === undefined) {
        throw new Error('the delivery was not accepted');
      }
      await tell(id);
      return id;
    },
    build: async (id, attrs) => {
      await evaluations.begin(id, clock.now());
      await tell(id);
      const found = attrs.map((attr) => (typeof attr === 'string' ? newJob(attr) : attr));
      await jobs.insert(id, found, clock.now());
      await evaluations.startBuilding(id, clock.now());
      await tell(id);
      return [...jobs.unfinishedAttempts(id).keys()].toSorted((one, other) => one - other);
    },
    settle: async (id, jobIds, status, attempt = 1) => {
      const settlements = jobIds.map((jobId) => ({ jobId, attempt, status, reason: null, causeJobId: null }));
      await jobs.settle(settlements, null, clock.now());
      changes.tell({ kind: 'jobs', evaluationId: id, jobIds: [...jobIds] });
    },
    finish: async (id) => {
      const counts = evaluations.counts(id);
      const outcome = outcomeOf(counts);
      await evaluations.finish(id, outcome, counts, clock.now());
      await tell(id);
      return outcome;
    },
    tell,
    takeUp: () => reporter.takeUp(),
    start: () => {
      start();
      outbox.start();
    },
    stop: async () => {
      stopping.abort();
      await reporter.ended();
      await outbox.stop();
    },
  };
}
