import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeCommands } from '../../../test/fakes/commands.ts';
import { startControl as startFake } from '../../../test/fakes/control-server.ts';
import type { Commands } from '../../ports/commands.ts';
import type { Reload } from '../../ports/reload.ts';
import type { HttpServer } from './server.ts';

let folder = '';
const SHA = '8F1C0A4D6BE27795C1F0A3D2B4E5968778695A4B';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argunix-control-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const NO_CHANGE: Reload = () =>
  Promise.resolve({ kind: 'done', applied: [], needsRestart: [], warnings: [] });

async function startControl(
  commands: Commands = createFakeCommands(),
  reload: Reload = NO_CHANGE,
): Promise<HttpServer> {
  return await startFake({ commands, reload, socketPath: join(folder, 'control.sock') });
}

test('the socket is for its owner alone, answers, and is gone after closing', async () => {
  const server = await startControl();
  const socketPath = join(folder, 'control.sock');

  await server.listen();
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request({ socketPath, path: '/api/v1/evals/1' }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end();
  });

  expect(status).toBe(200);
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  await server.close();
  await expect(stat(socketPath)).rejects.toThrow('ENOENT');
});

test('what a crash left at the path of the socket is no obstacle', async () => {
  const first = await startControl();
  await first.listen();
  const second = await startControl();

  await expect(second.listen()).resolves.toContain('control.sock');

  await Promise.all([first.close(), second.close()]);
});

test('a reload answers with what holds now and what needs a restart', async () => {
  const verdict = { kind: 'done', applied: ['one'], needsRestart: ['two'], warnings: ['three'] } as const;
  const server = await startControl(createFakeCommands(), () => Promise.resolve(verdict));

  const answer = await server.inject({ method: 'POST', url: '/api/v1/reload' });

  expect([answer.statusCode, answer.json()]).toEqual([
    200,
    { applied: ['one'], needs_restart: ['two'], warnings: ['three'] },
  ]);
});

test('a reload of a file with problems is refused with all of them', async () => {
  const server = await startControl(createFakeCommands(), () =>
    Promise.resolve({ kind: 'refused', reason: 'one\ntwo' }),
  );

  const answer = await server.inject({ method: 'POST', url: '/api/v1/reload' });

  expect([answer.statusCode, answer.json()]).toMatchObject([409, { error: { message: 'one\ntwo' } }]);
});

test.each([
  [
    '/api/v1/evals',
    { repo: 'here/demo/sample', ref: 'main' },
    201,
    [
      'trigger',
      { repository: { forge: 'here', slug: 'demo/sample' }, revision: { kind: 'ref', ref: 'main' } },
    ],
  ],
  [
    '/api/v1/evals',
    { repo: { forge: 'here', slug: 'demo/sample' }, sha: SHA },
    201,
    [
      'trigger',
      {
        repository: { forge: 'here', slug: 'demo/sample' },
        revision: { kind: 'sha', sha: SHA.toLowerCase() },
      },
    ],
  ],
  ['/api/v1/evals/1/cancel', undefined, 200, ['cancelEvaluation', 1]],
  ['/api/v1/evals/1/approve', undefined, 200, ['approveEvaluation', 1, 'operator']],
  ['/api/v1/evals/1/restart', undefined, 201, ['restartEvaluation', 1]],
  ['/api/v1/evals/1/restart-failed', undefined, 200, ['restartFailed', 1]],
  ['/api/v1/evals/1/bump', undefined, 200, ['bumpEvaluation', 1]],
  ['/api/v1/jobs/1/restart', undefined, 200, ['restartJob', 1]],
  ['/api/v1/jobs/1/cancel', undefined, 200, ['cancelJob', 1]],
  ['/api/v1/jobs/1/bump', undefined, 200, ['bumpJob', 1]],
] as const)(
  'POST %s does what it says and answers with what came of it',
  async (url, payload, status, asked) => {
    const commands = createFakeCommands();
    const server = await startControl(commands);

    const answer = await server.inject({ method: 'POST', url, ...(payload !== undefined && { payload }) });

    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ id: 1 });
    expect(commands.asked).toEqual([asked]);
  },
);

test('the document names every command, each with its summary and its refusals', async () => {
  const server = await startControl();
  const { paths }: { paths: Record<string, { post?: { summary?: string; responses: object } }> } = (
    await server.inject({ url: '/api/v1/openapi.json' })
  ).json();

  const commands = Object.entries(paths).flatMap(([path, { post }]) => (post ? [{ path, ...post }] : []));
  expect(commands.map(({ path }) => `POST ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`).toSorted()).toEqual(
    server.routes.filter((route) => route.startsWith('POST ')).toSorted(),
  );
  for (const { path, summary, responses } of commands) {
    expect(summary, path).toMatch(/^[A-Z]/);
    expect(Object.keys(responses), path).toEqual(expect.arrayContaining(['404', '409']));
  }
});

test('a refusal is a conflict with its sentence, and what does not exist is not found', async () => {
  const commands = createFakeCommands({
    cancelJob: () => Promise.resolve({ kind: 'refused', reason: 'The job has ended already.' }),
    restartJob: () => Promise.resolve({ kind: 'not_found' }),
  });
  const server = await startControl(commands);

  const refused = await server.inject({ method: 'POST', url: '/api/v1/jobs/1/cancel' });
  const absent = await server.inject({ method: 'POST', url: '/api/v1/jobs/1/restart' });

  expect(refused.statusCode).toBe(409);
  expect(refused.json()).toMatchObject({ error: { message: 'The job has ended already.' } });
  expect(absent.statusCode).toBe(404);
});

test.each([
  [{}],
  [{ repo: 'here/demo/sample' }],
  [{ repo: 'here/demo/sample', ref: 'main', sha: SHA }],
  [{ repo: 'sample', ref: 'main' }],
  [{ repo: 'here/demo/sample', sha: 'abc' }],
  [{ repo: 'here/demo/sample', ref: 'main', force: true }],
])('%j triggers nothing', async (payload) => {
  const commands = createFakeCommands();
  const server = await startControl(commands);

  const answer = await server.inject({ method: 'POST', url: '/api/v1/evals', payload });

  expect(answer.statusCode).toBe(400);
  expect(commands.asked).toEqual([]);
});
