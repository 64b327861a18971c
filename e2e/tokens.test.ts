/**
 * A private repository at a forge, its operator with argunixctl, a stranger, and who has a token: over the real listener
 * and the real control socket, with a request of a stranger that is approved and a revision that no branch leads to.
 */
import { join } from 'node:path';
import { ForgeView, HookChange } from '@argunix/shared/control-api/forge-views';
import { EvaluationView, RepositoryView } from '@argunix/shared/control-api/views';
import { NO_SHA, type Sha } from '@argunix/shared/domain/sha';
import { type FinishedProcess, runProcess } from '@argunix/shared/kit/run-process';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { until } from '../coordinator/test/until.ts';
import { flakeOf } from './harness/flake-text.ts';
import { type ForgeScene, SLUG } from './harness/forges/forge-scene.ts';
import { forgejo, forgejoHeaders } from './harness/forges/forgejo-in-test.ts';
import { useForgeScene } from './harness/forges/use-forge-scene.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

const NAME = `there/${SLUG}`;
const ONE_JOB = 'one = build "one" "echo one > $out";';

let dir: string;
let scene: ForgeScene;
tellWarningsOfFailed(() => scene.coordinator().log());
const current = useForgeScene(forgejo);
beforeEach(() => {
  ({ dir, scene } = current());
});

async function ctl(...args: readonly string[]): Promise<FinishedProcess> {
  return await runProcess({
    command: join(import.meta.dirname, '../ctl/bin/argunixctl'),
    args: ['--socket', join(dir, 'state/control/argunix.sock'), ...args],
    env: { PATH: process.env['PATH'], HOME: dir },
    deadlineMs: 60_000,
  });
}
async function told<Schema extends z.ZodType>(schema: Schema, ...args: string[]): Promise<z.output<Schema>> {
  const { stdout, stderr, ending } = await ctl('--json', ...args);
  expect(ending, stderr).toEqual({ kind: 'exited', code: 0 });
  return schema.parse(JSON.parse(stdout));
}
async function ask(path: string, token: string | null, body?: object): Promise<Response> {
  return await fetch(`${scene.coordinator().url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
async function commit(text = ONE_JOB): Promise<Sha> {
  return (await scene.repository.commit({ 'flake.nix': flakeOf(text) })) as Sha;
}

test('a token opens what strangers do not see, does what it may, and stops when it is revoked', {
  timeout: 180_000,
}, async () => {
  const sha = await commit();
  const made = await ctl('tokens', 'create', 'deploy', '--may', 'trigger,cancel', '--repos', 'there/owner/*');
  const token = made.stdout.trim();
  expect(token).toMatch(/^argx_[\w-]{43}$/);

  // What a stranger asks for is not there, and the stranger may change nothing.
  for (const path of [`/r/${NAME}`, `/badge/${NAME}.svg`, `/api/v1/evals?repo=${NAME}`]) {
    const body = await (await ask(path, null)).text();
    expect(body.replaceAll(path, '')).not.toContain(SLUG);
  }
  expect((await ask('/api/v1/evals', null, { repo: NAME, ref: 'main' })).status).toBe(401);

  const triggered = await ask('/api/v1/evals', token, { repo: NAME, ref: 'main' });
  expect(triggered.status).toBe(201);
  const evaluation = EvaluationView.parse(await triggered.json());
  expect(evaluation).toMatchObject({ sha, trusted: true, trigger: 'manual' });
  await until(
    'it is built',
    async () => {
      const answer = await ask(`/api/v1/evals/${evaluation.id}`, token);
      return EvaluationView.parse(await answer.json()).status === 'done';
    },
    60_000,
    50,
  );
  for (const path of [`/r/${NAME}`, `/r/${NAME}/eval/${evaluation.id}`, `/badge/${NAME}.svg`]) {
    expect([path, (await ask(path, token)).status, (await ask(path, null)).status]).toEqual([path, 200, 404]);
  }
  expect((await ask(`/badge/${NAME}.svg`, token)).headers.get('cache-control')).toContain('no-store');
  expect((await ask(`/api/v1/evals/${evaluation.id}/restart`, token, {})).status).toBe(403);
  const [repository] = await told(z.array(RepositoryView), 'repos', 'list');
  expect(repository).toMatchObject({ visibility: 'private', hook: { state: 'good' } });

  await ctl('tokens', 'revoke', 'deploy');

  expect((await ask(`/api/v1/evals/${evaluation.id}`, token)).status).toBe(404);
  expect((await ask('/api/v1/evals', token, { repo: NAME, ref: 'main' })).status).toBe(401);
  const log = scene.coordinator().log();
  expect(log).toMatch(/"by":"token deploy".*"action":"\/evals"/);
  expect(log).toMatch(/"by":"operator [^"]+".*"action":"\/tokens"/);
  expect(log).not.toContain(token);
});

test('a request of a stranger is approved by hand, and a revision that no branch leads to is a stranger’s too', {
  timeout: 180_000,
}, async () => {
  const base = await commit();
  expect(
    await scene.tell(
      scene.forge.push({ slug: SLUG, ref: 'refs/heads/main', before: NO_SHA, after: base, by: 'maintainer' }),
      forgejoHeaders,
    ),
  ).toBe(202);
  const head = await commit(`${ONE_JOB} two = build "two" "echo two > $out";`);
  await scene.repository.git('update-ref', 'refs/heads/main', base);
  const request = {
    number: 7,
    headSha: head,
    headName: 'theirs',
    baseName: 'main',
    headSlug: null,
    author: 'stranger',
  };
  await scene.openRequest(request);
  const opened = {
    slug: SLUG,
    request: { ...request, isDraft: false, isOpen: true },
    action: 'opened',
    by: 'stranger',
  } as const;
  expect(await scene.tell(scene.forge.request(opened), forgejoHeaders)).toBe(202);
  await until(
    'it waits for approval',
    async () => {
      const [waiting] = await scene.evaluations(head);
      return waiting?.status === 'awaiting_approval' && (waiting.reason ?? '').includes('stranger');
    },
    30_000,
    50,
  );

  // Only the request's ref leads to it: it is built, as nobody's.
  const triggered = await told(EvaluationView, 'evals', 'trigger', NAME, head);
  expect(triggered).toMatchObject({ sha: head, trusted: false });
  const [, waiting] = (await scene.evaluations(head)).toSorted((one, other) => other.id - one.id);
  const approved = await told(EvaluationView, 'evals', 'approve', String(waiting?.id));

  expect(approved).toMatchObject({
    trusted: true,
    author: 'stranger',
    approved_by: expect.stringMatching(/^operator /) as string,
    request_url: expect.stringMatching(/\/owner\/name\/pulls\/7$/) as string,
  });
  await until(
    'both are built',
    async () => {
      const all = await scene.evaluations(head);
      return all.length === 2 && all.every(({ outcome }) => outcome === 'success');
    },
    90_000,
    50,
  );
});

test('hooks and forges are checked and steered by hand', { timeout: 180_000 }, async () => {
  const before = scene.hook();

  const checked = await told(z.array(HookChange), 'hooks', 'check');
  expect(checked).toMatchObject([{ message: 'It is as wanted.', hook: { state: 'good' } }]);
  await told(z.array(HookChange), 'hooks', 'rotate', NAME);
  expect(scene.hook()?.url).toBe(before?.url);
  expect(scene.hook()?.secret).not.toBe(before?.secret);
  const own = scene.forge.standIn.hooksOf(SLUG).find(({ url }) => url === before?.url);
  scene.forge.standIn.spoilHook(SLUG, own?.id ?? '', 'inactive');
  expect((await ctl('hooks', 'check', NAME)).ending).toEqual({ kind: 'exited', code: 1 });
  await told(z.array(HookChange), 'hooks', 'repair', NAME);
  expect(scene.forge.standIn.hooksOf(SLUG)).toMatchObject([{ isActive: true }]);

  scene.forge.revoke();
  expect((await ctl('hooks', 'check', NAME)).ending).toEqual({ kind: 'exited', code: 1 });
  const [paused] = await told(z.array(ForgeView), 'forges', 'list');
  expect(paused).toMatchObject({ name: 'there', state: 'paused' });
  const page = await (await ask('/', null)).text();
  expect(page).toContain('there refuses our credential');
  expect(page).not.toContain(SLUG);
  expect((await ctl('forges', 'resume', 'there')).ending).toEqual({ kind: 'exited', code: 1 });
  await scene.forge.renew(dir);
  // It tries by itself as well, and may have been first.
  expect((await ctl('forges', 'resume', 'there')).stdout).toMatch(
    /^there (?:works again|was not paused, and works)/,
  );
  expect(await told(z.array(ForgeView), 'forges', 'list')).toMatchObject([{ state: 'works', paused: null }]);
});
