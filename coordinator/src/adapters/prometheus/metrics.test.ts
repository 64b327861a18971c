import { expect, test } from 'vitest';
import { builderRow } from '../../../test/fakes/view-rows.ts';
import { createPrometheusMetrics, type PrometheusMetrics } from './metrics.ts';

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
      builders: () => [builderRow({ slots: 4, slots_used: 3 }), builderRow({ slots: 2, slots_used: 0 })],
      queue: () => [
        { system: 'x86_64-linux', depth: 5, oldestAgeSeconds: 12 },
        { system: 'made-up', depth: 1, oldestAgeSeconds: 3 },
        { system: 'made-up-too', depth: 1, oldestAgeSeconds: 9 },
      ],
      deliveriesPending: () => 4,
      databaseBytes: () => ({ main: 8192, wal: 4096 }),
    },
  });
}

test('gauges show what can be read when they are asked for, and do not add up over answers', async () => {
  const metrics = createMetrics();

  await metrics.render();
  const { body } = await metrics.render();

  expect(body).toContain('argunix_jobs{state="queued"} 7');
  expect(body).toContain('argunix_evaluations{state="evaluating"} 1');
  expect(body).toContain('argunix_builder_slots{state="free"} 3');
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
  metrics.dispatchDecided(2);
  const { body } = await metrics.render();

  expect(body).toContain('argunix_evaluations_ended_total{status="done",outcome="failure"} 1');
  expect(body).toContain('argunix_evaluation_duration_seconds_sum{status="done"} 90');
  expect(body).toContain('argunix_build_duration_seconds_bucket{le="1",system="x86_64-linux"} 1');
  expect(body).toContain('argunix_dispatch_decision_seconds_count 1');
});
