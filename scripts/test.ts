/** `./test [PATTERN]` after the set-up: checks and tests, and one closing line. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './checks.ts';
import { toFilter } from './test-filter.ts';
import { closingLine, judgeTally, TestTally } from './test-tally.ts';

const ROOT = join(import.meta.dirname, '..');
// The whole suite is meant to stay under 15 minutes; twice that is a suite that hangs.
const DEADLINE_MS = 30 * 60_000;

async function main(args: readonly string[]): Promise<number> {
  const [pattern] = args;
  if (args.length > 1 || pattern?.startsWith('-') === true) {
    process.stderr.write('usage: ./test [PATTERN]   part of a path of a test file, or of a title\n');
    return 2;
  }
  // Says itself why it is missing; the tests that want it are skipped with that reason.
  spawnSync(join(ROOT, 'scripts/newer-nix.sh'), { stdio: 'inherit', timeout: 10 * 60_000 });
  const checks = pattern === undefined ? runChecks() : { passed: 0, failed: 0 };
  const { tally, trouble } = await runVitest(pattern);
  for (const { title, reason } of tally.skipped) {
    process.stdout.write(`skipped: ${title}: ${reason}\n`);
  }
  if (trouble !== undefined) {
    process.stdout.write(`${trouble}\n`);
  }
  const failed = checks.failed + tally.failed;
  process.stdout.write(`${closingLine(checks.passed + tally.passed, failed, tally.skipped.length)}\n`);
  return failed === 0 ? 0 : 1;
}

async function runVitest(pattern: string | undefined): Promise<ReturnType<typeof judgeTally>> {
  const directory = mkdtempSync(join(tmpdir(), 'argunix-test-'));
  const tallyPath = join(directory, 'tally.json');
  try {
    const filter =
      pattern === undefined ? { args: [], title: undefined } : toFilter(pattern, listTestFiles());
    const vitest = spawn(
      process.execPath,
      [
        join(ROOT, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--reporter=default',
        `--reporter=${join(ROOT, 'scripts/tally-reporter.ts')}`,
        ...filter.args,
      ],
      {
        cwd: ROOT,
        stdio: ['ignore', 'inherit', 'inherit'],
        timeout: DEADLINE_MS,
        env: {
          ...process.env,
          ARGUNIX_TALLY: tallyPath,
          ARGUNIX_TEST_TITLE: filter.title,
          // Hundreds of coordinators and agents are started from source: each is compiled once.
          NODE_COMPILE_CACHE: join(ROOT, '.tools/compile-cache'),
        },
      },
    );
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      vitest.on('error', reject);
      vitest.on('close', resolve);
    });
    return judgeTally(readTally(tallyPath), exitCode);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function listTestFiles(): readonly string[] {
  const listed = spawnSync(
    'git',
    ['-C', ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  return listed.stdout.split('\0').filter((path) => path.endsWith('.test.ts'));
}

function readTally(path: string): TestTally | undefined {
  try {
    return TestTally.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    // No tally, or half of one: vitest did not come to the end of its run.
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
