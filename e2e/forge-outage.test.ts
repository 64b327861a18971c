/**
 * A forge that is down for long, storms of 429, a token that is revoked and renewed, a coordinator that is killed in
 * between: afterwards the forge shows exactly what came of each revision.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_SHA, type Sha } from '@argunix/shared/domain/sha';
import { beforeEach, expect, test } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import { flakeOf } from './harness/flake-text.ts';
import { type ForgeScene, SLUG } from './harness/forges/forge-scene.ts';
import { forgejo, forgejoHeaders } from './harness/forges/forgejo-in-test.ts';
import { useForgeScene } from './harness/forges/use-forge-scene.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

const EVALUATION = 'argunix: evaluation';
const JOBS = ['one', 'two', 'three'];
const CONTEXTS = [EVALUATION, ...JOBS.map((name) => `argunix: packages.x86_64-linux.${name}`)];

const GOOD = Object.fromEntries(CONTEXTS.map((context) => [context, 'success']));

let dir: string;
let scene: ForgeScene;
tellWarningsOfFailed(() => scene.coordinator().log());
const current = useForgeScene(forgejo);
beforeEach(() => {
  ({ dir, scene } = current());
});

/** Each job naps, so that something can come between. */
async function push(naps = 1): Promise<Sha> {
  const before = await scene.repository.git('rev-parse', 'HEAD').catch(() => NO_SHA);
  const body = JOBS.map(
    (name) => `${name} = build "${name}" "exec 3<> <(:); read -t ${naps} -u 3; echo ${name} > $out";`,
  );
  const sha = (await scene.repository.commit({ 'flake.nix': flakeOf(body.join(' ')) })) as Sha;
  const news = {
    slug: SLUG,
    ref: 'refs/heads/main',
    before: before.trim() as Sha,
    after: sha,
    by: 'somebody',
  };
  expect(await scene.tell(scene.forge.push(news), forgejoHeaders)).toBe(202);
  return sha;
}

/** What of this revision is told, once each context has ended. */
async function toldOf(sha: Sha): Promise<Readonly<Record<string, string>>> {
  await scene.checksWhen(sha, (states) =>
    CONTEXTS.every((context) => /success|failure|error/.test(states[context] ?? '')),
  );
  return Object.fromEntries(
    Object.entries(scene.checks(sha)).map(([context, { state }]) => [context, state]),
  );
}

async function hasEnded(sha: Sha): Promise<void> {
  await until('it has ended', async () => (await scene.evaluations(sha))[0]?.status === 'done', 60_000, 50);
}

test('a forge that was down, while we were killed, is told in the end', { timeout: 120_000 }, async () => {
  const sha = await push();
  await until('it builds', async () => (await scene.evaluations(sha))[0]?.status === 'building', 30_000, 25);
  await scene.front.down();
  await hasEnded(sha);
  await scene.restart('SIGKILL');
  await scene.restart('SIGKILL');

  await scene.front.up();

  expect(await toldOf(sha)).toEqual(GOOD);
});

test('a push that does not follow the one before makes it look at once, and find the one that was never told', {
  timeout: 120_000,
}, async () => {
  expect(await toldOf(await push(0))).toEqual(GOOD);
  const [untold, told, newest] = [await commit('1'), await commit('2'), await commit('3')];
  const news = { slug: SLUG, ref: 'refs/heads/main', before: untold, after: told, by: 'somebody' };

  expect(await scene.tell(scene.forge.push(news), forgejoHeaders)).toBe(202);

  await hasEnded(newest);
  expect(await scene.evaluations(untold)).toEqual([]);
});

async function commit(content: string): Promise<Sha> {
  const flake = flakeOf(`one = build "one" "echo ${content} > $out";`);
  return (await scene.repository.commit({ 'flake.nix': flake })) as Sha;
}

test('what was pushed while the forge could not reach us is found', { timeout: 120_000 }, async () => {
  const first = await push(0);
  expect(await toldOf(first)).toEqual(GOOD);
  await scene.coordinator().kill('SIGKILL');
  const sha = (await scene.repository.commit({
    'flake.nix': flakeOf(JOBS.map((name) => `${name} = build "${name}" "echo ${name} > $out";`).join(' ')),
  })) as Sha;

  await scene.restart();

  expect(await toldOf(sha)).toEqual(GOOD);
});

test('a storm of 429 delays what is told, and loses and reorders nothing', { timeout: 120_000 }, async () => {
  const { server } = scene.forge.standIn;
  server.trouble({ kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 3);

  const sha = await push();

  await hasEnded(sha);
  expect(await toldOf(sha)).toEqual(GOOD);
});

test('a revoked token pauses the forge, and a renewed one makes up for everything', {
  timeout: 120_000,
}, async () => {
  const sha = await push(3);
  await until('it builds', async () => (await scene.evaluations(sha))[0]?.status === 'building', 30_000, 25);
  scene.forge.revoke();
  // What is built needs no credential; what is to be fetched waits for one.
  await hasEnded(sha);
  const next = await push(0);
  await until(
    'it is paused',
    async () => (await metrics()).includes('argunix_forge_paused{forge="there"} 1'),
    30_000,
    50,
  );
  const page = await (await fetch(`${scene.coordinator().url}/`)).text();
  expect(page).toContain('there refuses our credential');
  expect((await scene.evaluations(next))[0]).toMatchObject({ status: 'queued' });
  await scene.restart('SIGKILL');

  await scene.forge.renew(dir);

  expect(await toldOf(sha)).toEqual(GOOD);
  expect(await toldOf(next)).toEqual(GOOD);
  expect(await metrics()).toContain('argunix_forge_paused{forge="there"} 0');
  // The token stands nowhere but in its file.
  const token = await readFile(join(dir, 'forgejo-token'), 'utf8');
  expect(scene.coordinator().log()).not.toContain(token);
});

async function metrics(): Promise<string> {
  return await (await fetch(`${scene.coordinator().url}/metrics`)).text();
}
