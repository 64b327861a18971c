/** What keeps a coordinator from starting: it ends by itself, with the exit code of the contract and a sentence. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoordinatorEnded, type RunningCoordinator, startCoordinator } from './harness/coordinator.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-start-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function start(configuration: Readonly<Record<string, unknown>> = {}): Promise<RunningCoordinator> {
  await mkdir(dir, { recursive: true });
  return await startCoordinator({ dir, configuration: { forges: {}, ...configuration } });
}
/** Exit code and what it said. */
async function refusal(
  configuration: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly code: string; readonly said: string }> {
  try {
    const coordinator = await start(configuration);
    await coordinator.kill('SIGKILL');
  } catch (error) {
    if (error instanceof CoordinatorEnded) {
      return { code: error.how, said: error.message };
    }
    throw error;
  }
  throw new Error('it started');
}

test('a port that is in use: 3, and it names the address', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    const { code, said } = await refusal({ listen: `127.0.0.1:${port}` });

    expect(said).toContain(`listen: 127.0.0.1:${port} is taken by another program.`);
    expect(code).toBe('3');
  } finally {
    other.close();
  }
});

test('a state directory that another coordinator uses: 3, and the other goes on', async () => {
  const first = await start();
  try {
    const { code, said } = await refusal();

    expect(said).toContain('another coordinator uses this state directory');
    expect(code).toBe('3');
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
  } finally {
    expect(await first.kill('SIGTERM')).toBe(0);
  }
});

test('a database that a newer program changed: 3, and it is left as it was', async () => {
  await (await start()).kill('SIGTERM');
  const database = new Database(join(dir, 'state/argunix.sqlite'));
  database.exec("insert into migrations values (999, 'from the future', 1, 0)");
  database.close();

  const { code, said } = await refusal();

  expect(said).toContain('Start the newer argunix, or restore a backup');
  expect(code).toBe('3');
});

test.each([
  ['below a file', (): string => join(dir, 'file/state')],
  ['where nobody may write', (): string => '/sys/argunix'],
])('a state directory %s: 3, and it names what it expected', async (_where, stateDir) => {
  await writeFile(join(dir, 'file'), '');

  const { code, said } = await refusal({ state_dir: stateDir() });

  expect(said).toMatch(/state_dir: expected a directory that can be written, got E\w+/);
  expect(code).toBe('3');
});

test('a file that is no database where the database should be: 3', async () => {
  await mkdir(join(dir, 'state'));
  await writeFile(join(dir, 'state/argunix.sqlite'), 'no database at all, '.repeat(100));

  const { code, said } = await refusal();

  expect(said).toMatch(
    /state_dir: expected a database that can be written at .*argunix\.sqlite, got .*not a database/,
  );
  expect(code).toBe('3');
});

test('a configuration with mistakes: 1, and each mistake', async () => {
  const { code, said } = await refusal({ schedul: {}, listen: 'here' });

  expect(said).toContain('schedule');
  expect(said).toContain('listen');
  expect(code).toBe('1');
});
