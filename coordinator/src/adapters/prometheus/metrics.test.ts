import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createFakeChanges } from '../../../test/fakes/changes.ts';
import { builderRow, evaluationRow, jobRow } from '../../../test/fakes/view-rows.ts';
import { createFakeViews, type FakeRows } from '../../../test/fakes/views.ts';
import type { Changes } from '../../ports/changes.ts';
import { createMetrics, type PrometheusMetrics } from './metrics.ts';

const EVALUATION = z.custom<EvaluationId>((value) => typeof value === 'number').parse(1);

let folder: string;
let rows: FakeRows;
let changes: Changes;
let metrics: PrometheusMetrics;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argunix-metrics-'));
  rows = { repositories: [], evaluations: [], jobs: [], attempts: new Map() };
  changes = createFakeChanges();
  metrics = createMetrics({
    views: createFakeViews(rows),
    changes,
    databasePath: join(folder, 'argunix.db'),
    builders: () => [builderRow({ slots: 4, slots_used: 3 }), builderRow({ slots: 2 })],
  });
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function shown(): Promise<string> {
  return (await metrics.render()).body;
}

test('gauges are read when they are asked for and do not add up over answers', async () => {
  rows.evaluations = [evaluationRow({ id: 1, status: 'building' })];
  rows.jobs = ['x86_64-linux', 'x86_64-linux', 'made-up', 'made-up-too'].map((system, index) =>
    jobRow({ id: index, eval_id: 1, attr: `a${index}`, status: 'queued', system }),
  );
  await writeFile(join(folder, 'argunix.db'), 'x'.repeat(100));
  await writeFile(join(folder, 'argunix.db-wal'), 'x'.repeat(20));

  await shown();
  const body = await shown();

  expect(body).toContain('argunix_jobs{state="queued"} 4');
  expect(body).toContain('argunix_evaluations{state="building"} 1');
  expect(body).toContain('argunix_queue_depth{system="x86_64-linux"} 2');
  expect(body).toContain('argunix_queue_depth{system="other"} 2');
  expect(body).toMatch(/argunix_queue_oldest_age_seconds\{system="other"\} \d+/);
  expect(body).toContain('argunix_builder_slots{state="free"} 3');
  expect(body).toContain('argunix_sqlite_bytes{file="main"} 100');
  expect(body).toContain('argunix_sqlite_bytes{file="wal"} 20');
  expect(body).toContain('argunix_nodejs_eventloop_lag_p99_seconds');
  expect(body).toContain('argunix_process_resident_memory_bytes');
  expect(body).not.toContain('made-up');
});

test('systems that no builder has share one label, however many a flake makes up', async () => {
  for (let index = 0; index < 50; index++) {
    metrics.jobEnded('success', `system-${index}`);
  }

  expect(await shown()).toContain('argunix_jobs_ended_total{status="success",system="other"} 50');
});

test('what a finished evaluation held is counted once, however often it is told', async () => {
  rows.evaluations = [evaluationRow({ id: 1, outcome: 'failure' })];
  rows.jobs = Array.from({ length: 1201 }, (_, index) =>
    jobRow({
      id: index,
      eval_id: 1,
      attr: `a${String(index).padStart(4, '0')}`,
      status: index === 0 ? 'failure' : 'success',
    }),
  );

  for (let told = 0; told < 3; told++) {
    changes.tell({ kind: 'evaluation', evaluationId: EVALUATION });
  }

  const jobs = 'argunix_jobs_ended_total{status="success",system="x86_64-linux"} 1200';
  await expect.poll(shown).toContain(jobs);
  const body = await shown();
  expect(body).toContain(jobs);
  expect(body).toContain('argunix_jobs_ended_total{status="failure",system="x86_64-linux"} 1\n');
  expect(body).toContain('argunix_evaluations_ended_total{status="done",outcome="failure"} 1');
  expect(body).toContain('argunix_evaluation_duration_seconds_sum{part="total"} 200');
  expect(body).toContain('argunix_build_duration_seconds_count{system="x86_64-linux"} 1201');
});

test('after a restart of one job only that job is counted again', async () => {
  rows.evaluations = [evaluationRow({ id: 1 })];
  rows.jobs = [
    jobRow({ id: 1, eval_id: 1, attr: 'a' }),
    jobRow({ id: 2, eval_id: 1, attr: 'b', status: 'failure' }),
  ];
  changes.tell({ kind: 'evaluation', evaluationId: EVALUATION });
  await expect.poll(shown).toContain('status="failure",system="x86_64-linux"} 1\n');

  rows.evaluations = [evaluationRow({ id: 1, finished_at: '2026-03-01T13:00:00.000Z' })];
  rows.jobs[1] = jobRow({
    id: 2,
    eval_id: 1,
    attr: 'b',
    attempts: 2,
    finished_at: '2026-03-01T13:00:00.000Z',
  });
  changes.tell({ kind: 'evaluation', evaluationId: EVALUATION });

  await expect.poll(shown).toContain('argunix_jobs_ended_total{status="success",system="x86_64-linux"} 2\n');
  expect(await shown()).toContain('argunix_jobs_ended_total{status="failure",system="x86_64-linux"} 1\n');
});
