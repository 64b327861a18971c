/** Repositories that vanish, are force-pushed, or ask for what is not given: a clear state, and the next push works. */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import type { FlakeRepository } from './harness/flake-repository.ts';
import { COUNT_FOR_EVER, flakeOf, goodFlake } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-bad-sources-'));
  site = await startSite({
    dir,
    configuration: {
      schedule: { eval_concurrency: 1, infrastructure_retries: 2, infrastructure_retry_seconds: 0.2 },
    },
    repositories: { vanishes: {}, forced: {}, twice: {}, module: {}, library: {}, waits: {} },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

const GOOD = { status: 'done', outcome: 'success' };
const hide = (repository: FlakeRepository): Promise<void> => rename(repository.dir, `${repository.dir}.away`);
const bringBack = (repository: FlakeRepository): Promise<void> =>
  rename(`${repository.dir}.away`, repository.dir);
const isQueued = (name: string, sha: string): Promise<void> =>
  until('it is queued', async () => (await site.evaluation(name, sha))?.status === 'queued');

/** Takes the only place for evaluations until the returned function is called. */
async function holdTheQueue(): Promise<() => Promise<void>> {
  const sha = await site.repository('waits').commit({
    'flake.nix': flakeOf(`a = build "a\${toString (${COUNT_FOR_EVER})}" "";`),
  });
  await site.poke('waits');
  await until(
    'it evaluates',
    async () => (await site.evaluation('waits', sha))?.status === 'evaluating',
    60_000,
  );
  return async () => {
    const id = (await site.evaluation('waits', sha))?.id;
    expect(await site.command(`/evals/${id}/cancel`)).toMatchObject({ status: 200 });
  };
}

test('a repository that vanished says so until it is back, and what was pushed meanwhile is built', async () => {
  const repository = site.repository('vanishes');
  expect(await site.push('vanishes', { 'flake.nix': goodFlake() })).toMatchObject(GOOD);
  const sha = await repository.commit({ 'flake.nix': goodFlake() });
  await hide(repository);
  await site.poke('vanishes');
  await until('its trouble shows', async () => (await site.view('vanishes')).trouble !== null);
  expect((await site.view('vanishes')).trouble).toMatch(/sources\/vanishes: there is no repository\./);

  await bringBack(repository);
  await site.poke('vanishes');

  expect(await site.ended('vanishes', sha)).toMatchObject(GOOD);
  expect((await site.view('vanishes')).trouble).toBeNull();
});

test('one that vanishes before its revision is fetched is tried again, holds nobody up, and says why it failed', async () => {
  const repository = site.repository('vanishes');
  const letGo = await holdTheQueue();
  const sha = await repository.commit({ 'flake.nix': goodFlake() });
  await site.poke('vanishes');
  await isQueued('vanishes', sha);
  await hide(repository);
  await letGo();

  expect(await site.push('twice', { 'flake.nix': goodFlake() })).toMatchObject(GOOD);
  const failed = await site.ended('vanishes', sha);
  expect(failed.status).toBe('evaluation_failed');
  expect(failed.reason).toMatch(/^Tried 3 times: .*sources\/vanishes: there is no repository\./);

  await bringBack(repository);
  expect(await site.push('vanishes', { 'flake.nix': goodFlake() })).toMatchObject(GOOD);
});

test('a revision that was force-pushed away before it was fetched says so, and the one in its place is built', async () => {
  const repository = site.repository('forced');
  await site.push('forced', { 'flake.nix': goodFlake() });
  const letGo = await holdTheQueue();
  const lost = await repository.commit({ 'flake.nix': goodFlake() });
  await site.poke('forced');
  await isQueued('forced', lost);
  await repository.git('commit', '--amend', '-q', '-m', 'another');
  await repository.git('reflog', 'expire', '--expire=now', '--all');
  await repository.git('gc', '-q', '--prune=now');
  await letGo();

  const failed = await site.ended('forced', lost);
  expect(failed.status).toBe('evaluation_failed');
  expect(failed.reason).toMatch(
    new RegExp(`has no revision ${lost} .*force-pushed away.*next push is built`),
  );

  await site.poke('forced');
  const instead = (await repository.git('rev-parse', 'HEAD')).trim();
  expect(await site.ended('forced', instead)).toMatchObject(GOOD);
});

test('of two pushes in quick succession both are built', async () => {
  const first = await site.repository('twice').commit({ 'flake.nix': goodFlake() });
  await site.poke('twice');
  await until('the first is there', async () => (await site.evaluation('twice', first)) !== undefined);
  const second = await site.repository('twice').commit({ 'flake.nix': goodFlake() });
  await site.poke('twice');

  expect(await site.ended('twice', second)).toMatchObject(GOOD);
  expect(await site.ended('twice', first)).toMatchObject(GOOD);
});

test('a submodule beside its repository is there; one elsewhere or nowhere is refused or missed in a sentence', async () => {
  await site.repository('library').commit({ 'name.nix': '"from-the-library"' });
  const top = site.repository('module');
  await top.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', '../library', 'library');
  const flake = (): { 'flake.nix': string } => ({
    'flake.nix': flakeOf('a = build (import ./library/name.nix) "echo > $out";'),
  });
  const declare = (url: string): Promise<string> =>
    top.git('config', '--file', '.gitmodules', 'submodule.library.url', url);

  const evaluation = await site.push('module', flake());
  expect(evaluation).toMatchObject(GOOD);
  expect(Object.values(await site.jobs(evaluation.id)).map(({ name }) => name)).toEqual(['from-the-library']);

  await declare('/etc');
  expect(await site.push('module', flake())).toMatchObject({
    status: 'evaluation_failed',
    reason: 'submodule "library": expected no path of this host, got "/etc"',
  });
  await declare('../nowhere');
  const missing = await site.push('module', flake());
  expect(missing.status).toBe('evaluation_failed');
  expect(missing.reason).toMatch(/^Tried 3 times: submodule "library": .*nowhere: there is no repository/);

  await declare('../library');
  expect(await site.push('module', flake())).toMatchObject(GOOD);
});
