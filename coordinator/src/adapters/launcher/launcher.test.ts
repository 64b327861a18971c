/** What is special about programs that another process starts for us; the rest is as of our own children. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf, sendSignal } from '@argunix/shared/kit/descendants';
import { type Logger, silentLogger } from '@argunix/shared/kit/logger';
import { outputOf, runProcess, startProcess } from '@argunix/shared/kit/run-process';
import { startHere, startProgramsBy } from '@argunix/shared/kit/start-program';
import { describePrograms } from '@argunix/shared/kit/testing/describe-programs';
import { until } from '@argunix/shared/kit/testing/until';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Launcher, startLauncher } from './launcher.ts';

const SHARED = join(import.meta.dirname, '../../../../shared/src/kit');
const env = { PATH: process.env['PATH'] };
describePrograms('the launcher', (dir) =>
  startLauncher({ socketPath: join(dir, 'launcher.sock'), log: silentLogger }),
);

describe('the launcher', () => {
  let dir: string;
  let launcher: Launcher;
  let errors: string[];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'launcher-'));
    errors = [];
    launcher = await startLauncher({ socketPath: join(dir, 'launcher.sock'), log: logger() });
    startProgramsBy(launcher.start);
    await until(async () => (await parentOf()) !== process.pid);
  });
  afterEach(async () => {
    startProgramsBy(startHere);
    await launcher.stop();
    await rm(dir, { recursive: true, force: true });
  });

  function logger(): Logger {
    const tell = (_details: object, message: string): void => void errors.push(message);
    return { debug() {}, info() {}, warn: tell, error: tell };
  }

  function shell(script: string) {
    return { command: 'sh', args: ['-c', script], env, cwd: dir, deadlineMs: 20_000, graceMs: 100 };
  }

  /** Whose child a program is. */
  async function parentOf(): Promise<number> {
    return Number(await outputOf(shell('echo $PPID')));
  }

  test('programs are children of the launcher, which is our only child', async () => {
    const parent = await parentOf();

    expect(parent).not.toBe(process.pid);
    expect(descendantsOf([process.pid]).find(({ pid }) => pid === parent)?.parent).toBe(process.pid);
  });

  test('many at once keep their streams apart, and lose nothing of them', async () => {
    const inputs = Array.from({ length: 40 }, (_, at) => String(at).repeat(100_000));

    const finished = await Promise.all(inputs.map((input) => runProcess({ ...shell('cat'), input })));

    expect(finished.map(({ stdout }) => stdout.length)).toEqual(inputs.map(({ length }) => length));
    expect(finished.every(({ stdout }, at) => stdout === inputs[at])).toBe(true);
  });

  test('a reader that takes its time gets every byte, and the program waits for it as for a pipe', async () => {
    const running = startProcess(shell('head -c 20000000 /dev/zero; echo done >&2'));
    running.stdin.end();
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes % 7 === 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }

    expect(bytes).toBe(20_000_000);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(20_000_000)).digest('hex'));
    expect(await running.ended).toEqual({ kind: 'exited', code: 0 });
  });

  test('its number is known before it says anything', async () => {
    const running = startProcess(shell('echo $$; cat'));
    expect(running.pid).toBeUndefined();

    const [said] = (await once(running.stdout, 'data')) as [Buffer];

    expect(running.pid).toBe(Number(said));
    running.stdin.end();
    await running.ended;
  });

  test('who reads piece by piece, and stops, keeps it from ending no longer than as our own child', async () => {
    const running = startProcess(shell('echo hello; read line'));
    running.stdout.on('readable', () => undefined);
    await until(() => running.stdout.readableLength === 6);
    expect(String(running.stdout.read())).toBe('hello\n');

    running.stdin.end('\n');

    expect((await running.ended).kind).toBe('exited');
  });

  test('what is ended before it runs is ended when it does', async () => {
    const running = startProcess(shell('exec sleep 60'));
    running.stop();

    expect(await running.ended).toEqual({ kind: 'cancelled' });
  });

  test('a launcher that dies is told, what it had started is told as hung up on and is gone, and another one comes', async () => {
    const parent = await parentOf();
    const running = startProcess(shell('echo $$; trap "" TERM; while :; do sleep 0.05; done'));
    const [said] = (await once(running.stdout, 'data')) as [Buffer];

    process.kill(parent, 'SIGKILL');

    expect(await running.ended).toEqual({ kind: 'signalled', signal: 'SIGHUP' });
    await until(() => !sendSignal(Number(said), 0 as unknown as NodeJS.Signals));
    expect(errors).toEqual([
      'the launcher of programs ended, and what it had started with it; it is started again',
    ]);
    await until(async () => ![process.pid, parent].includes(await parentOf()));
  });

  test('who does not know the number of a program cannot speak for it', async () => {
    const running = startProcess(shell('read line; echo $line'));
    const stranger = createConnection(join(dir, 'launcher.sock'));
    stranger.write(`${'0'.repeat(32)}1hello\n`);
    await once(stranger, 'close');
    running.stdin.end('mine\n');
    const [said] = (await once(running.stdout, 'data')) as [Buffer];

    expect(said.toString()).toBe('mine\n');
    await running.ended;
  });

  test('when we are killed with -9, the launcher ends, and with it what was tied to us', async () => {
    const parent = `
    import { startLauncher } from '${join(import.meta.dirname, 'launcher.ts')}';
    import { startProcess } from '${join(SHARED, 'run-process.ts')}';
    import { startProgramsBy } from '${join(SHARED, 'start-program.ts')}';
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    startProgramsBy((await startLauncher({ socketPath: '${dir}/other.sock', log })).start);
    startProcess({ command: 'sh', args: ['-c', 'trap "echo TERM > told; exit" TERM; echo $PPID > trapped; while :; do sleep 0.05; done'],
      env: { PATH: process.env.PATH }, cwd: '${dir}', deadlineMs: 60000, whenOrphaned: 'TERM' });`;
    startProgramsBy(startHere);
    await writeFile(join(dir, 'parent.mts'), parent);
    const running = startProcess({
      command: process.execPath,
      args: ['--conditions=source', join(dir, 'parent.mts')],
      env,
      deadlineMs: 20_000,
    });
    await until(() => existsSync(join(dir, 'trapped')));
    const before = descendantsOf([running.pid ?? Number.NaN]);

    process.kill(running.pid ?? Number.NaN, 'SIGKILL');

    expect((await running.ended).kind).toBe('signalled');
    await until(() => existsSync(join(dir, 'told')));
    await until(() => before.every(({ pid }) => !existsSync(`/proc/${pid}`)));
  });

  test('a launcher that hangs is replaced, and what it did not start in time is told', async () => {
    const hanging = await startLauncher({
      socketPath: join(dir, 'hanging.sock'),
      log: logger(),
      startWithinMs: 1_000,
    });
    startProgramsBy(hanging.start);
    await until(async () => ![process.pid, 0].includes(await parentOf()));
    const parent = await parentOf();
    process.kill(parent, 'SIGSTOP');

    const finished = await runProcess(shell('echo > late'));

    expect(finished.ending).toEqual({
      kind: 'unstartable',
      message: 'sh: it could not be started within 1 s',
    });
    await until(async () => ![process.pid, parent].includes(await parentOf()));
    expect(existsSync(join(dir, 'late'))).toBe(false);
    await hanging.stop();
  });

  test('one that hangs while we stop is killed', async () => {
    process.kill(await parentOf(), 'SIGSTOP');

    await launcher.stop();

    expect(await parentOf()).toBe(process.pid);
  });

  test('a program that ended before its launcher did ended as it did', async () => {
    const parent = await parentOf();
    const running = startProcess(shell('sleep 60 & exit 3'));
    await until(() => running.pid !== undefined && !existsSync(`/proc/${running.pid}`));
    process.kill(parent, 'SIGKILL');

    expect(await running.ended).toEqual({ kind: 'exited', code: 3 });
  });
});
