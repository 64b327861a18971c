/** `argunix run` and `argunix eval` as a person runs them: processes on a real flake, in pipes and on a terminal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvaluationView } from '@argunix/shared/control-api/views';
import { until } from '@argunix/shared/kit/testing/until';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { SANDBOXED } from './harness/coordinator.ts';

const ARGUNIX = join(import.meta.dirname, '../coordinator/bin/argunix');
const BUILDS_MS = 60_000;

let directory: string;
let temporary: string;
/** A word that no other run has: in every derivation, so also in the command lines of their builders. */
let unique: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'argunix a run '));
  temporary = join(directory, 'tmp');
  await mkdir(temporary);
  unique = `u${randomUUID()}`;
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function argunix(...args: readonly string[]): Promise<Said> {
  return await said(start(ARGUNIX, args));
}

async function shell(script: string): Promise<Said> {
  return await said(start('/bin/sh', ['-c', script]));
}

function start(command: string, args: readonly string[]): ChildProcess {
  const { NO_COLOR: _noColor, FORCE_COLOR: _forceColor, ...env } = process.env;
  return spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, NODE_OPTIONS: '', NIX_CONFIG: SANDBOXED, TMPDIR: temporary, TERM: 'xterm-256color' },
  });
}

async function said(child: ChildProcess): Promise<Said> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

/** A flake of packages, given as Nix text; `job NAME SCRIPT` makes one. */
async function flake(packages: string): Promise<string> {
  const path = join(directory, 'flake');
  await mkdir(path, { recursive: true });
  const text = `{
    outputs = { self }: let
      job = name: script: derivation {
        inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "# ${unique}\n\${script}" ];
      };
    in { packages.x86_64-linux = { ${packages} }; };
  }`;
  await writeFile(join(path, 'flake.nix'), text);
  return path;
}

/** No directory of ours, and no process that belongs to a build of ours. */
async function leftovers(): Promise<readonly string[]> {
  const processes: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // A process may end while it is looked at.
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(unique) || commandLine.includes(directory)) {
      processes.push(commandLine.replaceAll('\0', ' '));
    }
  }
  return [...(await readdir(temporary)), ...processes];
}

const MIXED = 'good = job "good" "echo hi > $out"; bad = job "bad" "echo no such thing; exit 3";';
// There is no sleep in the sandbox.
const SLOW = 'slow = job "slow" "coproc { read; }; read -t 600 <&\\${COPROC[0]}";';

test(
  'the table is on standard output, what goes on is on standard error, and a failure ends with 1',
  async () => {
    const { code, out, err } = await argunix('run', await flake(MIXED));

    expect(code).toBe(1);
    expect(out).toMatch(
      /^failure +packages\.x86_64-linux\.bad +[\d.]+ s {2}The build of bad failed with exit code 3\.$/m,
    );
    expect(out).toMatch(/^success +packages\.x86_64-linux\.good +[\d.]+ s$/m);
    expect(out).toContain('  │ no such thing\n');
    expect(out.trimEnd().endsWith('2 jobs: 1 success, 1 failure')).toBe(true);
    expect(err).toContain('\nbuilding 2 jobs\n');
    // oxlint-disable-next-line no-control-regex -- what must not be in a pipe
    expect(out + err).not.toMatch(/[\u001b\r]/);
    expect(await leftovers()).toEqual([]);
  },
  BUILDS_MS,
);

test(
  'with --json standard output is the evaluation and nothing else',
  async () => {
    const { code, out } = await argunix('run', '--json', await flake(MIXED));

    const evaluation = EvaluationView.parse(JSON.parse(out));
    expect(code).toBe(1);
    expect(evaluation).toMatchObject({ status: 'done', outcome: 'failure' });
    expect(evaluation.jobs?.map(({ attr, status }) => [attr, status])).toEqual([
      ['packages.x86_64-linux.bad', 'failure'],
      ['packages.x86_64-linux.good', 'success'],
    ]);
  },
  BUILDS_MS,
);

test(
  'on a terminal one line tells what goes on, no row wraps, and no name or log drives it',
  async () => {
    const names =
      '"漢字-\\u001b[2Jclear" = job "odd" "printf \'\\\\033]0;title\\\\007 \\\\033[5A up\\\\n\'; exit 1";';
    const path = await flake(
      `${names} ${'x'.repeat(120)} = job "long" "echo > $out";`.replaceAll('\\u001b', '\u001b'),
    );

    const { out } = await shell(
      `script --quiet --return --command "stty cols 50; '${ARGUNIX}' run '${path}'" '${directory}/typescript'`,
    );

    expect(out).toContain('\r\u001b[2K');
    for (const driving of ['\u001b[2J', '\u001b]0;', '\u001b[5A']) {
      expect(out).not.toContain(driving);
    }
    const widths = out
      // oxlint-disable-next-line no-control-regex -- how a terminal is told
      .replaceAll(/\u001b\[[0-9;]*m/g, '')
      .replaceAll('\r\u001b[2K', '\n')
      .split(/\r?\n/)
      .filter((line) => /^(?:success|failure|building)/.test(line))
      .map((line) => line.length);
    expect(widths.length).toBeGreaterThan(3);
    expect(Math.max(...widths)).toBeLessThan(50);
  },
  BUILDS_MS,
);

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends every build and leaves nothing behind',
  async (signal) => {
    const running = start(ARGUNIX, ['run', await flake(SLOW)]);
    const ended = said(running);
    await until(async () => (await leftovers()).some((one) => one.includes('coproc')), BUILDS_MS);

    running.kill(signal);

    const { code, out } = await ended;
    expect(code).toBe(1);
    expect(out).toContain('It was interrupted.');
    expect(await leftovers()).toEqual([]);
  },
  BUILDS_MS,
);

test.each(['run', 'eval'])(
  'a reader of %s that goes away ends it, and nothing is left behind',
  async (command) => {
    const path = await flake(`${MIXED} ${SLOW}`);

    const { out } = await shell(`'${ARGUNIX}' ${command} '${path}' 2>&1 | head -n 1`);

    await until(async () => (await leftovers()).length === 0, BUILDS_MS);
    expect(out.split('\n')).toHaveLength(2);
  },
  BUILDS_MS,
);

test('eval prints a JSON line for each job, and ends with 1 when an attribute does not evaluate', async () => {
  const { code, out } = await argunix('eval', await flake(`${MIXED} broken = throw "not on Tuesdays";`));

  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => z.looseObject({ attr: z.string() }).parse(JSON.parse(line)));
  expect(code).toBe(1);
  expect(lines.toSorted((a, b) => a.attr.localeCompare(b.attr))).toMatchObject([
    { attr: 'packages.x86_64-linux.bad', name: 'bad', system: 'x86_64-linux' },
    { attr: 'packages.x86_64-linux.broken', error: 'not on Tuesdays' },
    { attr: 'packages.x86_64-linux.good', name: 'good' },
  ]);
});

test('what cannot be evaluated ends with 1 and Nix’s own words', async () => {
  const path = await flake('a =');
  const broken = await argunix('run', path);
  expect([broken.code, broken.out]).toEqual([1, expect.stringContaining('syntax error, unexpected')]);

  const none = await argunix('eval', directory);
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('flake.nix')]);
});

test('nothing to build is no failure', async () => {
  const path = await flake(MIXED);

  for (const choice of [
    ['--systems', 'riscv64-linux'],
    ['--attrs', 'checks,devShells'],
  ]) {
    const { code, out } = await argunix('run', path, ...choice);
    expect([code, out]).toEqual([0, 'There is nothing to build for these systems and attributes.\n']);
  }
});

test.each([
  [['run', '.', '--attrs', 'pakages'], '--attrs: expected some of packages, checks'],
  [['eval', '.', '--systems', 'x86 64'], '--systems: expected names like x86_64-linux'],
  [['run'], 'missing required argument'],
  [['serve', '--config', 'x', '--bogus'], "unknown option '--bogus'"],
  [['serve'], "required option '--config <file>'"],
  [['bild'], "unknown command 'bild'"],
])('a wrong command line ends with 2 and what is wrong: %j', async (args, sentence) => {
  const { code, out, err } = await argunix(...args);

  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(sentence);
});
