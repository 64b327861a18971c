/** The pages as people meet them: over the real server, the real log store and its real streams. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobPath } from '@argunix/shared/control-api/paths';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, LeaseId, RepositoryId } from '@argunix/shared/domain/ids';
import { silentLogger } from '@argunix/shared/kit/logger';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createJobLogs } from '../coordinator/src/adapters/http/job-logs.ts';
import { logRoutes } from '../coordinator/src/adapters/http/log-routes.ts';
import type { HttpServer } from '../coordinator/src/adapters/http/server.ts';
import { createFileLogStore } from '../coordinator/src/adapters/logs/file-log-store.ts';
import type { Presence } from '../coordinator/src/ports/builder-presence.ts';
import type { Changes } from '../coordinator/src/ports/changes.ts';
import type { LogWriter } from '../coordinator/src/ports/log-store.ts';
import { createFakeChanges } from '../coordinator/test/fakes/changes.ts';
import {
  createFakeBuilders,
  enrolledBuilder,
  HOST_KEY,
  presence,
  transfer,
} from '../coordinator/test/fakes/fake-builders.ts';
import {
  asRepositoryId,
  builderState,
  createFakeDirectory,
  createFakeQueue,
  drv,
  EMPTY_SNAPSHOT,
  runningStep,
} from '../coordinator/test/fakes/fake-queue.ts';
import { startHttpServer } from '../coordinator/test/fakes/http-server.ts';
import { DEMO, evaluationRow, jobRow, repositoryRow } from '../coordinator/test/fakes/view-rows.ts';
import { createFakeViews, type FakeRows } from '../coordinator/test/fakes/views.ts';
import { openBrowser } from './open-browser.ts';

const Id = z.custom<LeaseId & JobId & EvaluationId>((value) => typeof value === 'number');
const LEASE: LeaseId = Id.parse(3);
const HOSTILE = `packages."<img src=x onerror=alert(1)>'\\"--></script>".\u202etxt`;
// As long as names get.
const LONG = `packages.${'\u202ea<b>'.repeat(1_600)}`;
const ATTR = 'packages.x86_64-linux.hello';

let browser: Browser;
let folder: string;
let server: HttpServer;
let base: string;
let rows: FakeRows;
let writer: LogWriter;
let changes: Changes;
let queue: ReturnType<typeof createFakeQueue>;
let presences: Presence[];
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argunix-pages-'));
  rows = {
    repositories: [repositoryRow({ trouble: '<script>alert(2)</script>' })],
    evaluations: [evaluationRow({ id: 1, status: 'building', outcome: null, finished_at: null })],
    jobs: [
      jobRow({ id: 1, eval_id: 1, attr: ATTR, status: 'running', phase: 'build', finished_at: null }),
      jobRow({ id: 2, eval_id: 1, attr: HOSTILE, name: HOSTILE, status: 'failure', reason: HOSTILE }),
      jobRow({ id: 3, eval_id: 1, attr: LONG, status: 'queued', started_at: null, finished_at: null }),
    ],
    attempts: new Map(),
  };
  changes = createFakeChanges();
  await serve();
  writer.append(toLines(['unpacking sources', '\u001b[31mred\u001b[0m <script>alert(3)</script>']));
  const context = await browser.newContext({ viewport: { width: 390, height: 700 } });
  page = await context.newPage();
  complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
});
afterEach(async () => {
  await page.context().close();
  await writer.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(): Promise<void> {
  const logs = createFileLogStore({ dir: folder, logger: silentLogger, limits: { chunkMs: 1 } });
  writer = logs.open(LEASE);
  const leaseOf = (jobId: number): LeaseId | null => (jobId === 1 ? LEASE : null);
  queue = createFakeQueue({
    why: new Map([[3, { kind: 'busy', sentence: HOSTILE, until: null, needs: [] }]]),
    builders: [
      builderState({
        name: HOSTILE,
        state: 'quarantined',
        offer: { features: [HOSTILE] },
        quarantine: { since: toEpochMs(1), until: toEpochMs(2), failures: 1, reason: HOSTILE },
      }),
    ],
    snapshot: {
      counts: { ready: 1, waiting: 0, running: 2, internal: 1 },
      lines: [
        {
          system: 'x86_64-linux',
          requiredFeatures: [HOSTILE],
          isTrusted: false,
          ready: 1,
          oldestReadySince: toEpochMs(1),
          sentence: HOSTILE,
          builders: [HOSTILE],
        },
      ],
      shares: [1, 1].map((id) => ({
        repositoryId: asRepositoryId(id),
        weight: 3,
        ready: 1,
        running: 1,
        chargedMs: 9_000,
      })),
      running: [
        runningStep({ drvPath: drv('hello'), leaseId: LEASE, jobIds: [Id.parse(1)], builder: HOSTILE }),
        runningStep({ drvPath: drv(HOSTILE), leaseId: Id.parse(4), isInternal: true, jobIds: [Id.parse(2)] }),
      ],
      next: [
        {
          drvPath: drv('long'),
          isInternal: false,
          isBumped: true,
          repositoryId: asRepositoryId(1),
          jobIds: [Id.parse(3)],
          jobCount: 7,
          readySince: toEpochMs(1),
        },
      ],
    },
  });
  const pause = { why: 'low_disk', reason: HOSTILE } as const;
  presences = [
    presence({ name: HOSTILE, agentVersion: HOSTILE, pause, transfers: [transfer({ leases: [LEASE] })] }),
    presence({ name: 'gone', isConnected: false, lossReason: LONG }),
  ];
  const builders = createFakeBuilders({
    enrolled: [
      enrolledBuilder({ name: HOSTILE, drainedAt: toEpochMs(1) }),
      enrolledBuilder({ name: 'gone' }),
      enrolledBuilder({ name: `${HOSTILE}2`, revokedAt: toEpochMs(1) }),
    ],
    presences,
    hostKey: HOST_KEY,
    refusals: [{ at: toEpochMs(1), from: HOSTILE, reason: LONG }],
  });
  const lease = {
    drvPath: drv(HOSTILE),
    builder: HOSTILE,
    startedAt: null,
    endedAt: null,
    jobIds: [1, 2, 3],
  };
  const hostileLog = { leaseId: LEASE, isLive: false, isReadable: () => true };
  server = await startHttpServer({
    builders,
    rows,
    queue,
    directory: createFakeDirectory(rows, new Map([[LEASE, lease]])),
    views: createFakeViews(rows),
    logs: createJobLogs({ logs, leaseOf }),
    plugins: [
      async (app) => {
        await app.register(logRoutes, {
          logs,
          changesFor: () => ({ key: 'strangers', changes }),
          logger: silentLogger,
          findLeaseLog: ({ leaseId }) => (leaseId === LEASE ? hostileLog : undefined),
          findLog: ({ jobId }) => (jobId === 1 ? hostileLog : undefined),
        });
      },
    ],
    now: () => Date.now(),
  });
  base = await server.listen();
}

// A page gathers changes for a moment before it reads itself anew.
const poll = <Value>(read: () => Promise<Value>): ReturnType<typeof expect.poll<Value>> =>
  expect.poll(read, { timeout: 15_000 });

function toLines(texts: readonly string[]): { derivation: string; phase: string; text: string }[] {
  return texts.map((text) => ({ derivation: 'hello-2.12', phase: 'buildPhase', text }));
}

async function shownLines(): Promise<string[]> {
  return await page.locator('.log-text').allInnerTexts();
}

async function distanceToEnd(): Promise<number> {
  return await page.locator('#log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight);
}

test('the job page follows the log to its end, each line once, and shows how the job ended', async () => {
  await page.goto(base + jobPath(DEMO, 1, ATTR));
  await poll(shownLines).toHaveLength(2);
  expect(await page.locator('.log .sgr-red').innerText()).toBe('red');

  for (let at = 0; at < 20; at++) {
    writer.append(toLines([`\u001b[32mline ${at}\u001b[0m <b>`]));
  }
  await poll(shownLines).toHaveLength(22);
  expect((await shownLines()).slice(2)).toEqual(Array.from({ length: 20 }, (_, at) => `line ${at} <b>`));
  expect(await page.locator('#L22 .sgr-green').innerText()).toBe('line 19');

  rows.jobs[0] = jobRow({ id: 1, eval_id: 1, attr: ATTR, reason: 'It was built at last.' });
  await writer.close();

  await poll(() => page.locator('#summary').innerText()).toContain('It was built at last.');
  expect(await shownLines()).toHaveLength(22);
  expect(complaints).toEqual([]);
});

test('the view stays at the end until the reader scrolls up, and goes back when asked', async () => {
  writer.append(toLines(Array.from({ length: 300 }, (_, at) => `early ${at}`)));
  await page.goto(base + jobPath(DEMO, 1, ATTR));
  await poll(distanceToEnd).toBeLessThan(40);

  await page.locator('#log').evaluate((log) => log.scrollTo(0, 100));
  await page.locator('#to-end').waitFor({ state: 'visible' });
  writer.append(toLines(['late']));
  await poll(async () => (await shownLines()).at(-1)).toBe('late');
  expect(await page.locator('#log').evaluate((log) => log.scrollTop)).toBe(100);

  await page.locator('#to-end').click();
  writer.append(toLines(['later']));
  await poll(async () => (await shownLines()).at(-1)).toBe('later');
  await poll(distanceToEnd).toBeLessThan(40);
});

test('a change shows on an open page without loading it anew', async () => {
  await page.goto(`${base}/r/here/demo/sample/eval/1`);
  await page.locator('#live-state.live').waitFor();
  await page.locator('input[name=search]').fill('half a wo');

  rows.jobs[0] = jobRow({ id: 1, eval_id: 1, attr: ATTR, status: 'timed_out', reason: 'It took too long.' });
  changes.tell({ kind: 'jobs', evaluationId: Id.parse(1), jobIds: [Id.parse(1)] });

  await poll(() => page.locator('#failed').innerText()).toContain('It took too long.');
  expect(await page.locator('input[name=search]').inputValue()).toBe('half a wo');
  expect(complaints).toEqual([]);
});

test('a page of the queue follows it, gently; a page that has nothing of it does not', async () => {
  let asked = 0;
  page.on('request', (request) => {
    asked += request.resourceType() === 'fetch' ? 1 : 0;
  });
  await page.goto(`${base}/repos`);
  await page.locator('#live-state.live').waitFor();
  changes.tell({ kind: 'queue' });
  changes.tell({ kind: 'repository', repositoryId: z.custom<RepositoryId>(() => true).parse(1) });
  await poll(() => Promise.resolve(asked)).toBe(1);

  await page.goto(`${base}/queue`);
  await page.locator('#live-state.live').waitFor();
  asked = 0;
  expect(await page.locator('#queue').innerText()).not.toContain('only now');
  rows.jobs[0] = jobRow({
    id: 1,
    eval_id: 1,
    attr: 'packages.only now',
    status: 'running',
    finished_at: null,
  });
  queue.state.snapshot = {
    ...EMPTY_SNAPSHOT,
    counts: { ready: 0, waiting: 0, running: 1, internal: 0 },
    running: [runningStep({ drvPath: drv('hello'), leaseId: LEASE, jobIds: [Id.parse(1), Id.parse(2)] })],
  };
  for (let at = 0; at < 20; at++) {
    changes.tell({ kind: 'queue' });
    await page.waitForTimeout(25);
  }

  await poll(() => page.locator('#queue').innerText()).toContain('only now');
  expect(asked).toBeLessThanOrEqual(2);
  expect(complaints).toEqual([]);
});

test('how hosts are is read again every few seconds, and an opened part of the page stays open', async () => {
  await page.clock.install();
  await page.goto(`${base}/hosts`);
  await page.locator('#live-state.live').waitFor();
  await page.locator('summary').click();
  const load = page.locator('.level-words').first();
  expect(await load.innerText()).toBe('5.3 on 16 cores');

  const { stats } = presence();
  presences[0] = presence({ name: HOSTILE, stats: stats && { ...stats, load_1: 9 } });
  await page.clock.runFor(6_000);

  await poll(() => load.innerText()).toBe('9.0 on 16 cores');
  expect(await page.locator('details').getAttribute('open')).not.toBeNull();
  expect(complaints).toEqual([]);
});

const PAGES = [
  '/',
  '/repos',
  '/queue',
  '/hosts',
  '/r/here/demo/sample',
  '/r/here/demo/sample/eval/1',
  '/leases/3',
  jobPath(DEMO, 1, HOSTILE),
  jobPath(DEMO, 1, ATTR),
  `${jobPath(DEMO, 1, ATTR)}/log`,
];

test('no name, reason or log line runs as code, no page breaks its own policy, none is wider than a phone', async () => {
  for (const path of PAGES) {
    await page.goto(base + path);
    await page.locator('h1').first().waitFor({ state: 'attached' });

    expect([path, await page.locator('main img[src=x], main script').count()]).toEqual([path, 0]);
    expect([path, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([path, 390]);
  }
  expect(complaints).toEqual([]);
});

test('without JavaScript every page says the same', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();

  await plain.goto(`${base}/r/here/demo/sample/eval/1`);
  expect(await plain.locator('#failed').innerText()).toContain(HOSTILE.replace('\u202e', '').slice(0, 10));
  await plain.getByRole('link', { name: ATTR }).first().click();

  expect(await plain.locator('.log-text').allInnerTexts()).toEqual([
    'unpacking sources',
    'red <script>alert(3)</script>',
  ]);
  await plain.getByRole('link', { name: 'Log alone' }).click();
  expect(await plain.locator('.log-line').count()).toBe(2);
  await plain.getByRole('link', { name: 'Queue' }).click();
  expect(await plain.locator('#queue').innerText()).toContain(ATTR);
  await context.close();
});
