import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOwnRepository } from './own-repository.ts';

const { signal } = new AbortController();
let directory: string;
let state: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'argunix source '));
  state = join(directory, 'state');
});
afterEach(() => rmSync(directory, { recursive: true }));

async function run(command: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: directory };
  return (await outputOf({ command, args, env, deadlineMs: 30_000 })).trim();
}
async function headOf(bare: string): Promise<string> {
  return await run('git', '-C', bare, 'rev-parse', 'main');
}

/** A git repository with a committed flake at `below` its root. */
async function makeRepository(below = '.'): Promise<string> {
  const own = join(directory, 'my own');
  mkdirSync(join(own, below), { recursive: true });
  writeFileSync(join(own, below, 'flake.nix'), '{ outputs = _: { }; }');
  await run('git', 'init', '--quiet', own);
  await commit(own, 'first');
  return own;
}

async function commit(own: string, message: string): Promise<void> {
  const as = ['-c', 'user.name=n', '-c', 'user.email=e', '-C', own];
  await run('git', ...as, 'add', '--all');
  await run('git', ...as, 'commit', '--quiet', '-m', message);
}

it('takes the last commit of a repository and writes nothing to it', async () => {
  const own = await makeRepository();
  const config = readFileSync(join(own, '.git/config'), 'utf8');
  const refs = await run('git', '-C', own, 'for-each-ref');
  writeFileSync(join(own, 'flake.nix'), 'not committed');

  const repository = await createOwnRepository(own, state, signal);
  const sha = await repository.push(signal);

  expect(await headOf(repository.url)).toBe(sha);
  expect(await run('git', '-C', own, 'rev-parse', 'HEAD')).toBe(sha);
  expect(repository.note).toBe(`What is not committed in ${own} is not built.`);
  expect(readFileSync(join(own, '.git/config'), 'utf8')).toBe(config);
  expect(await run('git', '-C', own, 'for-each-ref')).toBe(refs);
});

it('takes a directory below the root of a repository alone, the same revision for the same source', async () => {
  const own = await makeRepository('a flake');
  const below = join(own, 'a flake');

  const repository = await createOwnRepository(below, state, signal);
  const sha = await repository.push(signal);

  expect(await run('git', '-C', repository.url, 'ls-tree', '--name-only', 'main')).toBe('flake.nix');
  expect(await (await createOwnRepository(below, state, signal)).push(signal)).toBe(sha);
});

it.each(['.', 'a flake'])('proposes a command that pushes another commit of %j', async (below) => {
  const own = await makeRepository(below);
  const repository = await createOwnRepository(join(own, below), state, signal);
  const sha = await repository.push(signal);
  writeFileSync(join(own, below, 'new'), 'new');
  await commit(own, 'second');

  await run(
    'sh',
    '-euc',
    [
      'export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e',
      ...repository.howToPush,
    ].join('\n'),
  );

  expect(await headOf(repository.url)).not.toBe(sha);
  expect(await run('git', '-C', repository.url, 'show', 'main:new')).toBe('new');
});

it('takes a shallow clone', async () => {
  const own = await makeRepository();
  writeFileSync(join(own, 'more'), '');
  await commit(own, 'second');
  const shallow = join(directory, 'shallow');
  await run('git', 'clone', '--quiet', '--depth=1', `file://${own}`, shallow);

  const repository = await createOwnRepository(shallow, state, signal);

  expect(await repository.push(signal)).toBe(await run('git', '-C', own, 'rev-parse', 'HEAD'));
});

it.each(['no commit at all', 'a commit without the flake'])(
  'says that a flake is not committed: %s',
  async (what) => {
    const own = join(directory, 'uncommitted');
    mkdirSync(own);
    await run('git', 'init', '--quiet', own);
    writeFileSync(join(own, 'readme'), '');
    if (what !== 'no commit at all') {
      await commit(own, 'first');
    }
    writeFileSync(join(own, 'flake.nix'), '{ outputs = _: { }; }');

    await expect(createOwnRepository(own, state, signal)).rejects.toThrow(
      'is in a git repository and not committed',
    );
  },
);

it('copies a flake that is in no repository, and what was removed from it goes', async () => {
  const own = join(directory, 'plain');
  mkdirSync(own);
  writeFileSync(join(own, 'flake.nix'), '{ outputs = _: { }; }');
  writeFileSync(join(own, 'old'), '');
  const repository = await createOwnRepository(own, state, signal);
  const first = await repository.push(signal);
  expect(await repository.push(signal)).toBe(first);
  rmSync(join(own, 'old'));

  await repository.push(signal);

  expect(await run('git', '-C', repository.url, 'ls-tree', '--name-only', 'main')).toBe('flake.nix');
  expect(repository.note).toBe(`${own} is in no git repository: a copy of it is built.`);
  expect(readdirSync(own)).toEqual(['flake.nix']);
});

it('copies a directory that the repository around it ignores', async () => {
  const own = await makeRepository();
  writeFileSync(join(own, '.gitignore'), 'out\n');
  mkdirSync(join(own, 'out'));
  writeFileSync(join(own, 'out/flake.nix'), '{ outputs = _: { }; }');

  const repository = await createOwnRepository(join(own, 'out'), state, signal);

  expect(repository.note).toContain('a copy of it is built');
});

it('refuses a directory without a flake', async () => {
  await expect(createOwnRepository(directory, state, signal)).rejects.toThrow(
    `--flake: expected a directory with a flake.nix, got ${directory}`,
  );
});
