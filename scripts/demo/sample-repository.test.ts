import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSampleRepository } from './sample-repository.ts';

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
