import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NO_REASON, TestTally } from './test-tally.ts';

it('counts every way in which a run can go wrong, and every skip with its reason', () => {
  const directory = mkdtempSync(join(tmpdir(), 'argunix-tally-'));
  const path = join(directory, 'tally.json');
  const root = join(import.meta.dirname, '..');

  spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      `--reporter=${join(import.meta.dirname, 'tally-reporter.ts')}`,
    ],
    {
      cwd: join(import.meta.dirname, 'fixtures/troubled-run'),
      env: { PATH: process.env['PATH'], ARGUNIX_TALLY: path },
      timeout: 30_000,
    },
  );
  const tally = TestTally.parse(JSON.parse(readFileSync(path, 'utf8')));
  rmSync(directory, { recursive: true });

  expect(tally.passed).toBe(2);
  // The failed test, the failed hook, the test behind it, the file that does not load, the lost rejection.
  expect(tally.failed).toBe(5);
  expect(tally.skipped).toEqual([
    { title: 'is skipped for a reason', reason: 'the moon is full' },
    { title: 'is skipped for none', reason: NO_REASON },
  ]);
});
