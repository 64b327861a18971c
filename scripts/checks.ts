/** Everything that reads the tree without running it: a few seconds, before every commit. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const ROOMS = ['coordinator', 'builder-agent', 'ctl', 'shared', 'e2e', 'bench', 'scripts'].filter((room) =>
  existsSync(join(ROOT, room)),
);

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '-b'],
  ['lint', 'oxlint', ...ROOMS],
  ['format', 'biome', 'check', '.'],
  ['floors', 'depcruise', '--config', '.dependency-cruiser.mjs', ...ROOMS],
  ['dead code', 'knip', '--no-progress'],
  ['docs', process.execPath, '--conditions=source', 'scripts/check-docs.ts'],
];

export interface CheckTally {
  readonly passed: number;
  readonly failed: number;
}

/** Runs every check to its end, whatever the ones before it found, and prints a line for each. */
export function runChecks(): CheckTally {
  let failed = 0;
  for (const [name, program = '', ...args] of CHECKS) {
    const startedAt = performance.now();
    // 5 minutes: the slowest of them takes seconds, so what is not done by then hangs.
    const result = spawnSync(resolve(ROOT, 'node_modules/.bin', program), args, {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 300_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    const isGood = result.status === 0;
    failed += isGood ? 0 : 1;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`);
    if (!isGood) {
      process.stdout.write(`${result.stdout}${result.stderr}${result.error?.message ?? ''}\n`);
    }
  }
  return { passed: CHECKS.length - failed, failed };
}
