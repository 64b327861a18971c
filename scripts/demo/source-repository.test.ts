import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOwnRepository, createSampleRepository } from './source-repository.ts';

const SAMPLE = join(import.meta.dirname, 'sample');
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

it('pushes the sample as it is shipped, and something new each time', async () => {
  const repository = await createSampleRepository(SAMPLE, state, signal);

  const first = await repository.push(signal);
  writeFileSync(join(state, 'sample/letter.txt'), 'changed by hand\n');
  const second = await (await createSampleRepository(SAMPLE, state, signal)).push(signal);

  expect(second).not.toBe(first);
  expect(await headOf(repository.url)).toBe(second);
  expect(await run('git', '-C', repository.url, 'show', 'main:letter.txt')).toContain('recieve');
});

it('proposes commands that push a letter without mistakes', async () => {
  const repository = await createSampleRepository(SAMPLE, state, signal);
  await repository.push(signal);

  await run('sh', '-euc', repository.howToPush.join('\n'));

  expect(await run('git', '-C', repository.url, 'show', 'main:letter.txt')).not.toContain('recieve');
});

it('pushes the last commit of a repository of one’s own and leaves it as it was', async () => {
  const own = join(directory, 'own');
  mkdirSync(own);
  writeFileSync(join(own, 'flake.nix'), '{ outputs = _: { }; }');
  const as = ['-c', 'user.name=n', '-c', 'user.email=e', '-C', own];
  await run('git', 'init', '--quiet', own);
  await run('git', ...as, 'add', '--all');
  await run('git', ...as, 'commit', '--quiet', '-m', 'first');
  const config = readFileSync(join(own, '.git/config'), 'utf8');
  writeFileSync(join(own, 'flake.nix'), 'not committed');

  const repository = await createOwnRepository(own, state, signal);
  const sha = await repository.push(signal);

  expect(await headOf(repository.url)).toBe(sha);
  expect(await run('git', '-C', own, 'rev-parse', 'HEAD')).toBe(sha);
  expect(repository.note).toBe('what is not committed is not built');
  expect(readFileSync(join(own, '.git/config'), 'utf8')).toBe(config);
});

it('copies a flake that is in no repository, and refuses a directory without one', async () => {
  const own = join(directory, 'plain');
  mkdirSync(own);
  await expect(createOwnRepository(own, state, signal)).rejects.toThrow(
    'expected a directory with a flake.nix',
  );
  writeFileSync(join(own, 'flake.nix'), '{ outputs = _: { }; }');

  const repository = await createOwnRepository(own, state, signal);
  await repository.push(signal);

  expect(await run('git', '-C', repository.url, 'show', 'main:flake.nix')).toBe('{ outputs = _: { }; }');
});
