import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isAppError } from '../app-error.ts';
import { type CapturedOptions, outputOf, runProcess, startProcess } from '../run-process.ts';
import { type StartProgram, startHere, startProgramsBy } from '../start-program.ts';
import { until } from './until.ts';

const env = { PATH: process.env['PATH'] };
let dir: string;

function shell(script: string, more: Partial<CapturedOptions> = {}): CapturedOptions {
  return { command: 'sh', args: ['-c', script], env, cwd: dir, deadlineMs: 20_000, ...more };
}

/** Whether a process with this word in its command line lives. */
function isAlive(word: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word);
      } catch {
        // It ended since the directory was listed.
        return false;
      }
    });
}

function chunksOf(stream: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return stream;
}

function marker(): string {
  return `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;
}

export interface Starter {
  readonly start: StartProgram;
  stop(): Promise<void>;
}

/** Whoever starts them, programs behave the same. */
export function describePrograms(by: string, open: (dir: string) => Promise<Starter>): void {
  describe(`programs started by ${by}`, () => {
    describeAll(open);
  });
}

function describeAll(open: (dir: string) => Promise<Starter>): void {
  let starter: Starter;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'run-process-'));
    starter = await open(dir);
    startProgramsBy(starter.start);
  });
  afterAll(async () => {
    startProgramsBy(startHere);
    await starter.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('output, error output, input and exit code are kept apart', async () => {
    const finished = await runProcess(shell('cat; echo bad >&2; exit 7', { input: 'said' }));

    expect(finished).toEqual({
      ending: { kind: 'exited', code: 7 },
      stdout: 'said',
      stderr: 'bad\n',
      isTruncated: false,
    });
  });

  test.each([
    [true, 10],
    [false, 5],
  ])(
    'what runs (in the background: %s) is nicer than we are by %s, its descendants too',
    async (isBackground, more) => {
      const { stdout } = await runProcess({
        command: 'sh',
        // It waits, so that it was told before it asks.
        args: ['-c', 'read line; sh -c nice'],
        input: 'go\n',
        env: { PATH: process.env['PATH'] },
        deadlineMs: 10_000,
        isBackground,
      });

      expect(Number(stdout)).toBe(Math.min(19, getPriority() + more));
    },
  );

  test('nothing of our environment is inherited', async () => {
    expect(
      await outputOf({ command: '/usr/bin/env', args: [], env: { ONLY: 'this' }, deadlineMs: 20_000 }),
    ).toBe('ONLY=this\n');
  });

  test('a child that ignores TERM is killed after the grace', async () => {
    const abort = new AbortController();
    const running = startProcess(
      shell('trap "" TERM; echo ready; while :; do sleep 0.1; done', { signal: abort.signal, graceMs: 100 }),
    );
    await once(running.stdout, 'data');

    abort.abort();

    expect(await running.ended).toEqual({ kind: 'cancelled' });
  });

  test('a grandchild in a session of its own that ignores TERM does not survive', async () => {
    const word = marker();
    const running = startProcess(
      shell(
        `setsid sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done' ${word} & while :; do sleep 0.1; done`,
        {
          graceMs: 100,
        },
      ),
    );
    await once(running.stdout, 'data');
    expect(isAlive(word)).toBe(true);

    running.stop();

    expect(await running.ended).toEqual({ kind: 'cancelled' });
    expect(isAlive(word)).toBe(false);
  });

  test('who was left by his parent in a session of a grandchild does not survive, though that one ends with TERM', async () => {
    const word = marker();
    const stray = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
    const running = startProcess(
      shell(`setsid sh -c '(sh -c "$0" ${word} &); exec sleep 100' '${stray}' & wait`, { graceMs: 100 }),
    );
    await once(running.stdout, 'data');
    expect(isAlive(word)).toBe(true);

    running.stop();

    expect(await running.ended).toEqual({ kind: 'cancelled' });
    expect(isAlive(word)).toBe(false);
  });

  test('a program that takes TERM does so with its own clean-up, and its exit code does not overwrite the cause', async () => {
    const running = startProcess(
      shell('trap "echo cleaned > cleaned; exit 0" TERM; echo ready; while :; do sleep 0.05; done'),
    );
    await once(running.stdout, 'data');

    running.stop();

    expect(await running.ended).toEqual({ kind: 'cancelled' });
    expect(await readFile(join(dir, 'cleaned'), 'utf8')).toBe('cleaned\n');
  });

  test('the first of two causes wins', async () => {
    const abort = new AbortController();
    const running = startProcess(
      shell('trap "" TERM; while :; do sleep 0.05; done', {
        deadlineMs: 300,
        graceMs: 1_000,
        signal: abort.signal,
      }),
    );
    setTimeout(() => abort.abort(), 600);

    expect(await running.ended).toEqual({ kind: 'timed_out' });
  });

  test('a signal that was aborted before the start ends it as cancelled', async () => {
    expect((await runProcess(shell('sleep 60', { signal: AbortSignal.abort() }))).ending).toEqual({
      kind: 'cancelled',
    });
  });

  test('what is ended at once is asked to end once', async () => {
    const asking = vi.spyOn(process, 'kill');
    const running = startProcess(shell('sleep 20'));
    running.stop();

    expect(await running.ended).toEqual({ kind: 'cancelled' });
    expect(asking.mock.calls.filter((call) => call[1] === 'SIGTERM')).toEqual([[running.pid, 'SIGTERM']]);
    asking.mockRestore();
  });

  test('a deadline longer than a timer can hold does not fire at once', async () => {
    expect((await runProcess(shell('sleep 0.05; exit 3', { deadlineMs: 2 ** 40 }))).ending).toEqual({
      kind: 'exited',
      code: 3,
    });
  });

  test('a stray that holds the pipe open is not waited for, and who reads the pipe sees a plain end', async () => {
    const word = marker();
    const running = startProcess(shell(`setsid sh -c 'sleep 30' ${word} & echo said`));
    const chunks: Buffer[] = [];

    for await (const chunk of chunksOf(running.stdout)) {
      chunks.push(chunk);
    }

    expect(await running.ended).toEqual({ kind: 'exited', code: 0 });
    expect(Buffer.concat(chunks).toString()).toBe('said\n');
  });

  test('a reader that is slower than the drain loses nothing', async () => {
    const running = startProcess(shell('head -c 200000 /dev/zero'));
    let size = 0;
    for await (const chunk of chunksOf(running.stdout)) {
      size += chunk.length;
      if (size === chunk.length) {
        // Longer than an ended program's silent pipe is kept open: the reader is at work, the pipe is not silent.
        await new Promise((resolve) => setTimeout(resolve, 2_500));
      }
    }

    expect(size).toBe(200_000);
    expect(await running.ended).toEqual({ kind: 'exited', code: 0 });
  });

  test('a signal from elsewhere is told as that', async () => {
    expect((await runProcess(shell('kill -SEGV $$'))).ending).toEqual({
      kind: 'signalled',
      signal: 'SIGSEGV',
    });
  });

  test('output over the cap is cut and said to be, error output keeps its end', async () => {
    const finished = await runProcess(
      shell(
        'head -c 300000 /dev/zero | tr "\\0" a; head -c 600000 /dev/zero | tr "\\0" b >&2; echo last >&2',
        {
          maxOutputBytes: 100_000,
        },
      ),
    );

    expect(finished.isTruncated).toBe(true);
    expect(finished.stdout.length).toBeLessThanOrEqual(100_000);
    expect(finished.stdout).toMatch(/^a+$/);
    expect(finished.stderr.length).toBeLessThanOrEqual(200_000);
    expect(finished.stderr.endsWith('b\nlast\n') || finished.stderr.endsWith('last\n')).toBe(true);
  });

  test.each([undefined, 'TERM'] as const)(
    'a missing program is unstartable (whenOrphaned: %s)',
    async (whenOrphaned) => {
      const finished = await runProcess({
        command: 'no-such-program-here',
        args: [],
        env,
        deadlineMs: 20_000,
        ...(whenOrphaned === undefined ? {} : { whenOrphaned }),
      });

      expect(finished.ending.kind).toBe('unstartable');
    },
  );

  test.each([['a\0b'], ['x'.repeat(3_000_000)]])(
    'an argument the kernel refuses is unstartable',
    async (arg) => {
      expect((await runProcess({ command: 'true', args: [arg], env, deadlineMs: 20_000 })).ending.kind).toBe(
        'unstartable',
      );
    },
  );

  test('an ending that is not 0 is thrown with what the program said last, without its colours', async () => {
    const thrown: unknown = await outputOf(shell('printf "\\033[31mbroken\\033[0m\\n" >&2; exit 4')).catch(
      (error: unknown) => error,
    );

    expect(isAppError(thrown) && [thrown.code, thrown.message]).toEqual([
      'process.failed',
      'sh ended with code 4: broken',
    ]);
  });

  test('a child tied to us ends when we are killed with -9', async () => {
    const word = marker();
    const parent = `
    import { startProcess } from '${join(import.meta.dirname, '../run-process.ts')}';
    startProcess({ command: 'sh', args: ['-c', 'trap "echo TERM > told; exit" TERM; echo > trapped; while :; do sleep 0.05; done', '${word}'],
      env: { PATH: process.env.PATH }, cwd: '${dir}', deadlineMs: 60000, whenOrphaned: 'TERM' });
    console.log('started');`;
    const running = startProcess({
      command: process.execPath,
      args: ['--conditions=source', '--input-type=module', '-e', parent],
      env,
      deadlineMs: 20_000,
    });
    await until(() => existsSync(join(dir, 'trapped')));

    process.kill(running.pid ?? Number.NaN, 'SIGKILL');

    expect((await running.ended).kind).toBe('signalled');
    await until(() => existsSync(join(dir, 'told')) && !isAlive(word));
  });
}
