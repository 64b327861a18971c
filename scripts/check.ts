/** Everything that reads the tree without running it: a few seconds, before every commit. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '-b'],
  ['lint', 'oxlint', 'coordinator', 'builder-agent', 'ctl', 'shared', 'e2e', 'bench', 'scripts'],
  ['format', 'biome', 'check', '.'],
  [
    'floors',
    'depcruise',
    '--config',
    '.dependency-cruiser.mjs',
    'coordinator',
    'builder-agent',
    'ctl',
    'shared',
    'e2e',
    'bench',
    'scripts',
  ],
  ['dead code', 'knip', '--no-progress'],
  ['docs', process.execPath, '--conditions=source', 'scripts/check-docs.ts'],
];

let failed = 0;
for (const [name, ...command] of CHECKS) {
  const startedAt = performance.now();
  const [program = '', ...args] = command;
  const result = spawnSync(resolve('node_modules/.bin', program), args, { encoding: 'utf8' });
  const isGood = result.status === 0;
  failed += isGood ? 0 : 1;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)\n`);
  if (!isGood) {
    process.stdout.write(`${result.stdout}${result.stderr}${result.error?.message ?? ''}\n`);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
