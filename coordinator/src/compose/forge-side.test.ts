/** Everything between the coordinator and a forge, put together: the real parts over a stand-in for Forgejo. */
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeJobLogs } from '../../test/fakes/job-logs.ts';
import { silentMetrics } from '../../test/fakes/silent-metrics.ts';
import { type ForgeStores, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { type GiteaStandIn, startGiteaStandIn } from '../../test/forges/gitea/gitea-stand-in.ts';
import { received, sha } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import { openHookSecrets } from '../adapters/forge/hook-secrets.ts';
import type { Configuration } from '../config/configuration.ts';
import { readConfiguration } from '../config/load-configuration.ts';
import type { Changes } from '../ports/changes.ts';
import { composeForgeSide, type ForgeSide } from './forge-side.ts';

let stores: ForgeStores;
let standIn: GiteaStandIn;
let current: Configuration;
let changes: Changes;
let side: ForgeSide;
let stopping: AbortController;
let pokes = 0;
let cancelled: (readonly [EvaluationId, string])[] = [];

beforeAll(async () => {
  standIn = await startGiteaStandIn('forgejo');
});
afterAll(async () => {
  await standIn.server.close();
});
beforeEach(async () => {
  stores = await openForgeStores();
  standIn.server.trouble(null);
  standIn.addRepository({ slug: SLUG, isPrivate: false, defaultBranch: 'main' });
  await writeFile(join(stores.stateDir, 'token'), standIn.token(), { mode: 0o600 });
  changes = createFakeChanges();
  pokes = 0;
  cancelled = [];
  current = await configured('      demo/sample: { pr_allowlist: [listed] }');
  await start();
});
afterEach(async () => {
  await stop();
  await stores.close();
});

async function configured(repositories: string, more = ''): Promise<Configuration> {
  const text = `external_url: https://ci.test
state_dir: ${stores.stateDir}
${more}forges:
  forge:
    kind: forgejo
    web_url: ${standIn.server.url}
    token_path: ${stores.stateDir}/token
    repos:
${repositories}
`;
  const loaded = await readConfiguration(text, 'argunix.yaml', { env: {} });
  if (loaded.kind === 'refused') {
    throw new Error(JSON.stringify(loaded.problems));
  }
  return loaded.configuration;
}
async function start(): Promise<void> {
  stopping = new AbortController();
  side = await composeForgeSide(
    {
      ...stores,
      changes,
      logs: createFakeJobLogs(new Map()),
      clock: systemClock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      metrics: silentMetrics,
      current: () => current,
      retryMs: () => 20,
      wishesOf: () => ({ isWatched: () => true, buildsRequests: true }),
      isPrivate: () => false,
      onStored: () => undefined,
      onQueued: () => undefined,
      onFacts: () => undefined,
      poke: () => void (pokes += 1),
      cancel: async (id, reason) => {
        cancelled.push([id, reason]);
        await stores.evaluations.end(id, 'cancelled', reason, systemClock.now());
        changes.tell({ kind: 'evaluation', evaluationId: id });
      },
    },
    stopping.signal,
  );
  await learn();
  side.start();
}
/** As the coordinator does at its start and at each reload. */
async function learn(): Promise<void> {
  await side.openForges();
  for (const forge of current.forges) {
    for (const { slug } of forge.repositories) {
      await stores.repositories.ensure({ forge: forge.name, slug, kind: forge.kind }, systemClock.now());
    }
  }
  await side.keepHooks();
}
async function stop(): Promise<void> {
  stopping.abort();
  await side.ended();
}
async function accept(digit: string, some: Parameters<typeof received>[2] = {}): Promise<EvaluationId> {
  const delivery = await received(stores, digit, some);
  const opening = delivery.isTrusted
    ? ({ status: 'queued' } as const)
    : ({ status: 'awaiting_approval', awaits: 'forge', reason: 'Asking.' } as const);
  const id = await stores.deliveries.accept(delivery, systemClock.now(), opening);
  if (id === undefined) {
    throw new Error('the delivery was not accepted');
  }
  changes.tell({ kind: 'evaluation', evaluationId: id });
  side.judgeRequests();
  return id;
}
const shown = (digit: string): string | undefined => standIn.checksOf(SLUG, sha(digit))[0]?.state;
async function tendSample(): Promise<void> {
  const settings = current.forges[0]?.repositories[0];
  if (settings === undefined || 'url' in settings) {
    throw new Error('there is no repository of a forge');
  }
  await side.tend(stores.repository, settings, stopping.signal);
}

test('what was owed when the program ended is told by the next, from the first moment on', async () => {
  standIn.server.trouble({ kind: 'status', status: 500 });
  const id = await accept('1');
  await until('it is tried', () => standIn.server.requests.some(({ path }) => path.endsWith(sha('1'))));
  await stop();
  await stores.evaluations.end(id, 'cancelled', 'By hand.', systemClock.now());
  standIn.server.trouble(null);

  await start();

  await until('the end is shown', () => shown('1') === 'error');
  await until('that is stored', () => side.checks.backlog().length === 0);
  expect(standIn.server.violations).toEqual([]);
});

test('a forge that is opened anew on a reload is told what changed meanwhile', async () => {
  const id = await accept('2');
  await until('it is known there', () => shown('2') === 'pending');
  const before = current;
  current = { ...current, forges: [] };
  await learn();
  await stores.evaluations.end(id, 'cancelled', 'By hand.', systemClock.now());
  changes.tell({ kind: 'evaluation', evaluationId: id });

  current = before;
  await learn();

  await until('the end is shown', () => shown('2') === 'error');
  expect(standIn.server.violations).toEqual([]);
});

test('a token that was renewed is found by a reload, and everything owed is told', async () => {
  standIn.rotateToken();
  await accept('3');
  await until('the forge is paused', () => side.warnings().length === 1);
  expect(side.warnings()[0]).toContain('argunixctl forges resume forge');
  await writeFile(join(stores.stateDir, 'token'), standIn.token(), { mode: 0o600 });

  await learn();

  await until('it is told', () => shown('3') === 'pending');
  expect(side.warnings()).toEqual([]);
});

test('a request waits for the forge to say who may push, also while the forge is not there', async () => {
  standIn.grant(SLUG, 'owner', 'write');
  const before = current;
  current = { ...current, forges: [] };
  await learn();
  const people = { author: 'owner', pusher: 'owner', headName: 'topic' };
  const id = await accept('4', { prNumber: 7, isTrusted: false, people });
  expect(stores.evaluations.find(id)?.status).toBe('awaiting_approval');

  current = before;
  await learn();

  await until('it goes on', () => stores.evaluations.find(id)?.status === 'queued');
});

test('only who may push approves by a button, and a forge that is down for a moment is asked again', async () => {
  standIn.grant(SLUG, 'owner', 'write');
  standIn.grant(SLUG, 'reader', 'read');
  const people = { author: 'stranger', pusher: 'stranger', headName: 'topic' };
  const id = await accept('5', { prNumber: 8, isTrusted: false, people });
  await until('it waits for a person', () => stores.evaluations.find(id)?.awaits === 'approval');
  const evaluation = stores.evaluations.find(id);
  if (evaluation === undefined) {
    throw new Error('the evaluation is gone');
  }
  const asked = (login: string): number =>
    standIn.server.requests.filter(({ path }) => path.endsWith(`/${login}/permission`)).length;
  side.approveBy(evaluation, 'reader');
  await until('the forge was asked about them', () => asked('reader') === 1);
  standIn.server.trouble({ kind: 'cut' }, 4);

  side.approveBy(evaluation, 'owner');

  await until('it goes on', () => stores.evaluations.find(id)?.status === 'queued');
  expect(stores.evaluations.find(id)).toMatchObject({ isTrusted: true });
});

test('the hook of a repository goes when that leaves the configuration, and comes back with it', async () => {
  const other = standIn.addHook(SLUG, 'https://chat.test/');
  await tendSample();
  expect(standIn.hooksOf(SLUG)).toHaveLength(2);
  const before = current;

  current = await configured('      demo/another: {}');
  await learn();
  await until('it is gone', () => standIn.hooksOf(SLUG).length === 1);
  expect(standIn.hooksOf(SLUG)[0]?.id).toBe(other);
  current = before;
  await learn();

  await until('it is back', async () => {
    await tendSample();
    return standIn.hooksOf(SLUG).length === 2;
  });
  const { id } =
    stores.hookStore.all().find(({ repositoryId }) => repositoryId === stores.repository.id) ?? {};
  expect(standIn.hooksOf(SLUG).map(({ url }) => url)).toContain(`https://ci.test/webhook/forge/${id}`);
});

test('a new key makes every hook be written once, also when the program ends before that', async () => {
  await tendSample();
  const first = standIn.hooksOf(SLUG)[0]?.secret;
  await stop();
  await writeFile(join(stores.stateDir, 'hook-key'), '');
  await start();
  await stop();
  await start();

  await tendSample();
  const second = standIn.hooksOf(SLUG)[0];
  await tendSample();

  const { id = '', generation = 0 } = stores.hookStore.all()[0] ?? {};
  const secrets = await openHookSecrets(stores.stateDir);
  expect(second?.secret).toBe(secrets.secretOf({ id, generation }).reveal());
  expect(second?.secret).not.toBe(first);
  expect(standIn.hooksOf(SLUG)).toEqual([second]);
});

test('deliveries with bad signatures bring one look, and a good one is stored', async () => {
  await tendSample();
  const { id = '' } = stores.hookStore.all()[0] ?? {};
  const body = Buffer.from(
    JSON.stringify({
      ref: 'refs/heads/main',
      before: null,
      after: sha('6'),
      head_commit: null,
      repository: {
        id: 1,
        full_name: SLUG,
        name: 'sample',
        private: false,
        internal: false,
        default_branch: 'main',
        owner: { login: 'demo', visibility: 'public' },
      },
    }),
  );
  const deliver = (secret: string, forge = 'forge', hook: string | null = id) =>
    side.door({
      forge,
      hook,
      headers: {
        'x-forgejo-event': 'push',
        'x-forgejo-delivery': 'd',
        'x-forgejo-signature': createHmac('sha256', secret).update(body).digest('hex'),
      },
      body,
    });
  for (let tries = 0; tries < 10; tries += 1) {
    await expect(deliver('guessed')).rejects.toMatchObject({ code: 'webhook.bad-signature' });
    await expect(deliver('guessed', 'forgejo', null)).rejects.toMatchObject({
      code: 'webhook.bad-signature',
    });
  }
  expect(pokes).toBe(1);
  pokes = 0;

  const { secret } = standIn.hooksOf(SLUG)[0] ?? {};

  expect(await deliver(secret ?? '')).toEqual({ kind: 'accepted' });
  expect(stores.deliveries.pending()).toMatchObject([{ kind: 'push', sha: sha('6') }]);
});

test('what nobody approves is cancelled in time, and its line says so', async () => {
  const people = { author: 'stranger', pusher: 'stranger', headName: 'topic' };
  const id = await accept('7', { prNumber: 9, isTrusted: false, people });
  await until('it waits for a person', () => stores.evaluations.find(id)?.awaits === 'approval');
  await stop();
  current = { ...current, schedule: { ...current.schedule, awaitingApprovalMs: 1 } };

  await start();

  await until('it is shown', () => shown('7') === 'error');
  expect(cancelled).toEqual([[id, 'Nobody approved it within 0 days.']]);
});
