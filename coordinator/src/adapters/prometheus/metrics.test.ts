import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { expect, test } from 'vitest';
import { builderState, createFakeQueue, EMPTY_SNAPSHOT } from '../../../test/fakes/fake-queue.ts';
import type { QueueLine } from '../../domain/queue-snapshot.ts';
import { createPrometheusMetrics, type PrometheusMetrics } from './metrics.ts';

const NOW = 1_800_000_000_000;

function line(system: string, ready: number, ageSeconds: number): QueueLine {
  return {
    system,
    ready,
    requiredFeatures: [],
    isTrusted: true,
    oldestReadySince: toEpochMs(NOW - ageSeconds * 1000),
    sentence: 'All are busy.',
    builders: [],
  };
}

const queue = createFakeQueue({
  snapshot: {
    ...EMPTY_SNAPSHOT,
    counts: { ready: 7, waiting: 20, running: 3, internal: 1 },
    lines: [
      line('x86_64-linux', 5, 12),
      line('x86_64-linux', 1, 40),
      line('made-up', 1, 3),
      line('made-up-too', 1, 9),
    ],
  },
  builders: [
    builderState({ offer: { slots: 4 }, slotsUsed: 3 }),
    builderState({ name: 'rack-1', offer: { slots: 2 }, state: 'quarantined' }),
    builderState({ name: 'laptop', offer: { slots: 8 }, state: 'absent' }),
  ],
});

function createMetrics(): PrometheusMetrics {
  return createPrometheusMetrics({
    systems: () => ['x86_64-linux'],
    forges: () => ['here'],
    readings: {
      totals: () => ({
        repositories: 1,
        evaluations: { queued: 2, evaluating: 1, building: 0 },
        jobs: { queued: 7, running: 3 },
      }),
      queue: () => queue,
      now: () => NOW,
      deliveriesPending: () => 4,
      backlog: () => [{ forge: 'here', count: 5, oldestAt: toEpochMs(NOW - 7_000) }],
      forges: () => [{ forge: 'here', isPaused: true }],
      silences: () => new Map([['laptop', 4_500]]),
      databaseBytes: () => ({ main: 8192, wal: 4096 }),
    },
  });
}

test('gauges show what can be read when they are asked for, and do not add up over answers', async () => {
  const metrics = createMetrics();

  await metrics.render();
  const { body } = await metrics.render();

  expect(body).toContain('argunix_jobs{state="queued"} 7');
  expect(body).toContain('argunix_checks_pending{forge="here"} 5');
  expect(body).toContain('argunix_checks_oldest_age_seconds{forge="here"} 7');
  expect(body).toContain('argunix_forge_paused{forge="here"} 1');
  expect(body).toContain('argunix_evaluations{state="evaluating"} 1');
  expect(body).toContain('argunix_builder_slots{state="free"} 3');
  expect(body).toContain('argunix_builder_slots{state="used"} 3');
  expect(body).toContain('argunix_builders{state="ready"} 1');
  expect(body).toContain('argunix_builders{state="quarantined"} 1');
  expect(body).toContain('argunix_builders{state="absent"} 1');
  expect(body).toContain('argunix_queue_depth{system="x86_64-linux"} 6');
  expect(body).toContain('argunix_queue_oldest_age_seconds{system="x86_64-linux"} 40');
  expect(body).toContain('argunix_queue_steps{state="waiting"} 20');
  expect(body).toContain('argunix_deliveries_pending 4');
  expect(body).toContain('argunix_sqlite_bytes{file="wal"} 4096');
  expect(body).toContain('argunix_nodejs_eventloop_lag_p99_seconds');
  expect(body).toContain('argunix_process_resident_memory_bytes');
});

test('systems and forges outside the configuration share one label', async () => {
  const metrics = createMetrics();

  for (let index = 0; index < 50; index++) {
    metrics.jobEnded('success', `system-${index}`);
    metrics.webhookReceived(`forge-${index}`, 'accepted');
  }
  const { body } = await metrics.render();

  expect(body).toContain('argunix_jobs_ended_total{status="success",system="other"} 50');
  expect(body).toContain('argunix_webhooks_total{forge="other",outcome="accepted"} 50');
  expect(body).toContain('argunix_queue_depth{system="other"} 2');
  expect(body).toContain('argunix_queue_oldest_age_seconds{system="other"} 9');
  expect(body).not.toMatch(/system-\d|made-up/);
});

test('what flows tell is counted and measured', async () => {
  const metrics = createMetrics();

  metrics.evaluationEnded('done', 'failure', 90_000);
  metrics.buildEnded('x86_64-linux', 700);
  metrics.closureCarried('push', { bytes: 1_000, tookMs: 500 });
  metrics.dispatchDecided(2);
  const { body } = await metrics.render();

  expect(body).toContain('argunix_evaluations_ended_total{status="done",outcome="failure"} 1');
  expect(body).toContain('argunix_evaluation_duration_seconds_sum{status="done"} 90');
  expect(body).toContain('argunix_build_duration_seconds_bucket{le="1",system="x86_64-linux"} 1');
  expect(body).toContain('argunix_dispatch_decision_seconds_count 1');
  expect(body).toContain('argunix_transfer_bytes_total{direction="push"} 1000');
  expect(body).toContain('argunix_transfer_seconds_total{direction="push"} 0.5');
  expect(body).toContain('argunix_builder_heartbeat_age_seconds{builder="laptop"} 4.5');
});
