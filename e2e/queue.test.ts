/** Two repositories and three builders of different kinds: what they share is built once, and each job goes where it can. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { QueueView, WhyView } from '@argunix/shared/control-api/queue-views';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { until } from '../coordinator/test/until.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { flakeOf, NAP } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

const SALT = randomUUID();
// `inner` is no job of either; both need it.
const INNER = 'buildWith { } "inner" "echo inner > $out"';
const APP = flakeOf(
  `shared = build "shared" "${NAP} nap 2; echo shared > $out";
   app = buildWith { inner = ${INNER}; } "app" "${NAP} nap 1; echo app > $out";
   heavy = buildWith { requiredSystemFeatures = [ "big-parallel" ]; } "heavy" "echo heavy > $out";`,
  SALT,
);
const TOOL = flakeOf(
  `shared = build "shared" "${NAP} nap 2; echo shared > $out";
   tool = buildWith { inner = ${INNER}; } "tool" "${NAP} nap 1; echo tool > $out";
   speed = buildWith { requiredSystemFeatures = [ "benchmark" ]; } "speed" "echo speed > $out";
   never = buildWith { requiredSystemFeatures = [ "a-quantum-computer" ]; } "never" "echo never > $out";`,
  SALT,
);

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-queue-'));
  site = await startSite({
    dir,
    configuration: {
      local_builders: {
        usual: { slots: 1, features: [] },
        strong: { slots: 1, features: ['big-parallel'] },
        quiet: { slots: 1, features: ['benchmark'], mandatory_features: ['benchmark'] },
      },
    },
    nixConfig: `${SANDBOXED}system-features = big-parallel benchmark\n`,
    repositories: { app: {}, tool: {} },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

test('three builders share the work of two evaluations, and nothing is built twice', async () => {
  const [app, tool] = await Promise.all([
    site.push('app', { 'flake.nix': APP }),
    site.push('tool', { 'flake.nix': TOOL }),
  ]);
  const [ofApp, ofTool] = [await site.jobs(app.id), await site.jobs(tool.id)];

  const attr = (name: string): string => `packages.x86_64-linux.${name}`;
  for (const [jobs, names] of [
    [ofApp, ['shared', 'app', 'heavy']],
    [ofTool, ['shared', 'tool', 'speed']],
  ] as const) {
    for (const name of names) {
      expect([name, jobs[attr(name)]?.status]).toEqual([name, expect.stringMatching(/^(?:success|cached)$/)]);
    }
  }
  expect(ofApp[attr('heavy')]?.builder).toBe('strong');
  expect(ofTool[attr('speed')]?.builder).toBe('quiet');
  expect(ofTool[attr('never')]).toMatchObject({
    status: 'unsupported',
    reason: expect.stringContaining('usual lacks a-quantum-computer') as string,
  });
  expect([app.outcome, tool.outcome]).toEqual(['success', 'error']);
  expect(builtTwice()).toEqual([]);
});

test('a queue that is full says for each kind of work why it waits, and who has which place', async () => {
  const slow = flakeOf(
    `${Array.from({ length: 6 }, (_, at) => `j${at} = build "j${at}" "${NAP} nap 4; echo > $out";`).join('\n')}
     measure = buildWith { requiredSystemFeatures = [ "benchmark" ]; } "measure" "${NAP} nap 4; echo > $out";
     measure2 = buildWith { requiredSystemFeatures = [ "benchmark" ]; } "measure2" "echo > $out";`,
  );
  const sha = await site.repository('app').commit({ 'flake.nix': slow });
  await site.poke('app');
  const evaluation = () => site.evaluation('app', sha);
  let queue: QueueView | undefined;
  await until(
    'the queue is full',
    async () => {
      queue = await site.coordinator().get('/api/v1/queue', QueueView);
      return queue.counts.running === 3 && queue.counts.ready >= 4;
    },
    60_000,
    50,
  );

  expect(queue?.lines.map(({ sentence }) => sentence).toSorted()).toEqual([
    'Waits for a free place on quiet: 1 of 1 are taken.',
    'Waits for a free place: all 2 on the 2 builders that can build it (strong, usual) are taken.',
  ]);
  const builders = await site.coordinator().get('/api/v1/builders', z.array(BuilderView));
  expect(builders.map(({ name, slots_used }) => [name, slots_used]).toSorted()).toEqual([
    ['quiet', 1],
    ['strong', 1],
    ['usual', 1],
  ]);
  const last = await site.jobWhen(
    evaluation,
    'packages.x86_64-linux.j5',
    ({ status }) => status === 'queued',
  );
  const why = await site.coordinator().get(`/api/v1/jobs/${last.id}/why`, WhyView);
  expect(why).toMatchObject({ status: 'queued', kind: 'busy' });

  // Somebody wants it first: it is the next to begin.
  expect((await site.command(`/jobs/${last.id}/bump`)).status).toBe(200);
  const next = await site.coordinator().get('/api/v1/queue', QueueView);
  expect(next.next[0]?.jobs[0]?.id).toBe(last.id);
  const page = await fetch(`${site.coordinator().url}/queue`);
  expect(await page.text()).toContain('Waits for a free place on quiet: 1 of 1 are taken.');

  const begun = await site.jobWhen(
    evaluation,
    'packages.x86_64-linux.j5',
    ({ status }) => status !== 'queued',
  );
  expect(['running', 'success']).toContain(begun.status);
  await site.command(`/evals/${(await evaluation())?.id}/cancel`);
  await until('every place is free again', async () =>
    (await site.coordinator().get('/api/v1/builders', z.array(BuilderView))).every(
      ({ slots_used }) => slots_used === 0,
    ),
  );
});

/** Derivations with more than one lease that built. */
function builtTwice(): readonly unknown[] {
  const database = new Database(join(dir, 'state/argunix.sqlite'), { readonly: true });
  try {
    return database
      .prepare("select drv_path from leases where ending = 'built' group by drv_path having count(*) > 1")
      .all();
  } finally {
    database.close();
  }
}
