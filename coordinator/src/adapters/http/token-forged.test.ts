/** The write half of the API where strangers listen, under attack: nothing but a living token with the right opens it. */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { systemClock } from '@argunix/shared/kit/clock';
import type { LightMyRequestResponse as Response } from 'fastify';
import { beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../../test/fakes/changes.ts';
import { createFakeCommands } from '../../../test/fakes/commands.ts';
import { asRepositoryId } from '../../../test/fakes/fake-queue.ts';
import { createFakeTokens, type FakeTokens } from '../../../test/fakes/fake-tokens.ts';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import { createLogKeeper } from '../../../test/fakes/log-keeper.ts';
import { evaluationRow, jobRow, repositoryRow } from '../../../test/fakes/view-rows.ts';
import type { FakeRows } from '../../../test/fakes/views.ts';
import { createReaders } from '../../compose/readers.ts';
import type { HttpServer } from './server.ts';

const OPEN = { forge: 'here', slug: 'demo/sample' };
const SEALED = { forge: 'here', slug: 'sealed/vault' };
const DAY_MS = 86_400_000;

const rows: FakeRows = {
  repositories: [repositoryRow(OPEN), repositoryRow(SEALED)],
  evaluations: [evaluationRow({ id: 1, repo: OPEN }), evaluationRow({ id: 2, repo: SEALED })],
  jobs: [
    jobRow({ id: 1, eval_id: 1, attr: 'packages.open' }),
    jobRow({ id: 2, eval_id: 2, attr: 'packages.whisper' }, SEALED),
  ],
  attempts: new Map(),
};

let now: EpochMs;
let tokens: FakeTokens;
let commands: ReturnType<typeof createFakeCommands>;
let log: ReturnType<typeof createLogKeeper>;
let server: HttpServer;

beforeEach(async () => {
  now = toEpochMs(1_800_000_000_000);
  tokens = createFakeTokens({ ...systemClock, now: () => now });
  commands = createFakeCommands();
  log = createLogKeeper();
  const { mayRead } = createReaders({
    changes: createFakeChanges(),
    evaluations: { find: () => undefined },
    privateOnes: () => privateOnes,
    tokens: tokens.registry,
  });
  server = await startHttpServer({
    rows,
    mayRead,
    commands,
    logger: log,
    identify: (sent) => tokens.registry.identify(sent),
  });
});
const privateOnes = new Map([[asRepositoryId(2), SEALED]]);

type Rights = Parameters<FakeTokens['administration']['create']>[0]['rights'];

async function token(rights: Rights, repositories = '**', validMs: number | null = null): Promise<string> {
  const name = `one-${rights.join('-')}`;
  const made = await tokens.administration.create({ name, rights, repositories, validMs });
  return made.kind === 'done' ? made.token : made.kind;
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  payload?: object,
): Promise<Response> {
  return await server.inject({
    method: 'POST',
    url,
    headers,
    ...(payload !== undefined && { payload }),
  });
}
const bearer = (sent: string): Record<string, string> => ({ authorization: `Bearer ${sent}` });

// One for each POST route of the API, with the right that it takes.
const CHANGES = [
  ['/api/v1/evals', 'trigger', { repo: 'here/demo/sample', ref: 'main' }],
  ['/api/v1/evals/1/cancel', 'cancel', undefined],
  ['/api/v1/evals/1/restart', 'restart', undefined],
  ['/api/v1/evals/1/restart-failed', 'restart', undefined],
  ['/api/v1/evals/1/approve', 'approve', undefined],
  ['/api/v1/evals/1/bump', 'admin', undefined],
  ['/api/v1/jobs/1/restart', 'restart', undefined],
  ['/api/v1/jobs/1/cancel', 'cancel', undefined],
  ['/api/v1/jobs/1/bump', 'admin', undefined],
] as const;

test('every route that changes something is attacked below', () => {
  const routes = server.routes.filter((route) => route.startsWith('POST /api/'));

  expect(CHANGES.map(([url]) => `POST ${url.replace('/1', '/:id')}`).toSorted()).toEqual(routes.toSorted());
});

test.each(CHANGES)('%s takes the right to %s, or that of an admin', async (url, right, payload) => {
  for (const good of new Set([right, 'admin'] as const)) {
    const before = commands.asked.length;

    expect((await post(url, bearer(await token([good])), payload)).statusCode).toBeLessThan(300);
    expect(commands.asked).toHaveLength(before + 1);
  }
});

const WRONG_RIGHTS = CHANGES.flatMap(([url, right, payload]) =>
  (['read', 'trigger', 'restart', 'cancel', 'approve'] as const)
    .filter((other) => other !== right)
    .map((other) => [url, other, right, payload] as const),
);

test.each(WRONG_RIGHTS)('%s is not for who may only %s, and says that it takes %s', async (...row) => {
  const [url, other, right, payload] = row;
  const refused = await post(url, bearer(await token([other])), payload);

  expect(refused.statusCode).toBe(403);
  expect(refused.json()).toMatchObject({ error: { code: 'forbidden' } });
  expect(refused.body).toContain(`--may ${right}`);
  expect(commands.asked).toEqual([]);
});

test.each(CHANGES)(
  '%s without a token, or with a wrong one, is 401 and says what to do',
  async (url, _right, payload) => {
    const real = await token(['admin']);
    const WRONG: readonly Record<string, string>[] = [
      {},
      bearer('argx_wrong'),
      bearer(real.slice(0, -1)),
      bearer(`${real}x`),
      bearer(real.toUpperCase()),
      bearer(`${real}, ${real}`),
      bearer(`${real} ${real}`),
      { authorization: real },
      { authorization: `Basic ${Buffer.from(`argunix:${real}`).toString('base64')}` },
      { authorization: `Token ${real}` },
      { authorization: `Bearer${real}` },
      { authorization: `Bearer "${real}"` },
      { 'x-api-token': real },
      { 'proxy-authorization': `Bearer ${real}` },
      { cookie: `token=${real}; authorization=Bearer ${real}` },
      { 'argunix-operator': 'root' },
    ];
    for (const headers of WRONG) {
      const answer = await post(url, headers, payload);

      expect([headers, answer.statusCode]).toEqual([headers, 401]);
      expect(answer.headers['www-authenticate']).toContain('Bearer');
      expect(answer.body).toContain('argunixctl tokens create');
      expect(answer.body).not.toContain(real);
    }
    expect(commands.asked).toEqual([]);
  },
);

test('a token in the query or in the body opens nothing', async () => {
  const real = await token(['admin']);

  for (const name of ['token', 'access_token', 'bearer', 'authorization']) {
    expect((await post(`/api/v1/evals/1/cancel?${name}=${real}`)).statusCode).toBe(401);
    expect((await post('/api/v1/evals/1/cancel', {}, { [name]: real })).statusCode).toBe(401);
    expect((await server.inject({ url: `/r/here/sealed/vault?${name}=${real}` })).statusCode).toBe(404);
    expect((await server.inject({ url: `/api/v1/evals/2?${name}=${real}` })).statusCode).not.toBe(200);
  }
  expect(commands.asked).toEqual([]);
});

test('the word Bearer may be written as RFC 9110 allows, and the token may not be changed', async () => {
  const real = await token(['cancel']);

  for (const authorization of [`bearer ${real}`, `BEARER ${real}`, `Bearer   ${real}`, `Bearer ${real} `]) {
    expect((await post('/api/v1/evals/1/cancel', { authorization })).statusCode).toBe(200);
  }
});

test('a revoked token stops at once, for changes and for reading, and its name says why', async () => {
  const real = await token(['cancel']);
  expect((await server.inject({ url: '/api/v1/evals/2', headers: bearer(real) })).statusCode).toBe(200);

  await tokens.administration.revoke('one-cancel');

  const answer = await post('/api/v1/evals/1/cancel', bearer(real));
  expect(answer.statusCode).toBe(401);
  expect(answer.body).toContain('one-cancel was revoked');
  expect((await server.inject({ url: '/api/v1/evals/2', headers: bearer(real) })).statusCode).toBe(404);
  expect(commands.asked).toEqual([]);
});

test('an expired token stops to the millisecond', async () => {
  const real = await token(['cancel'], '**', DAY_MS);
  now = toEpochMs(now + DAY_MS - 1);
  expect((await post('/api/v1/evals/1/cancel', bearer(real))).statusCode).toBe(200);

  now = toEpochMs(now + 1);

  expect((await post('/api/v1/evals/1/cancel', bearer(real))).statusCode).toBe(401);
  expect((await server.inject({ url: '/api/v1/evals/2', headers: bearer(real) })).statusCode).toBe(404);
});

test('a name that is given to another token opens nothing for the one before', async () => {
  const before = await token(['cancel']);
  await tokens.administration.revoke('one-cancel');
  const after = await token(['cancel']);

  expect((await post('/api/v1/evals/1/cancel', bearer(before))).statusCode).toBe(401);
  expect((await post('/api/v1/evals/1/cancel', bearer(after))).statusCode).toBe(200);
});

test.each([
  ['/api/v1/evals/2/cancel', undefined],
  ['/api/v1/jobs/2/cancel', undefined],
  ['/api/v1/evals', { repo: 'here/sealed/vault', ref: 'main' }],
])(
  '%s of a private repository that the token is not for looks like one that does not exist',
  async (url, payload) => {
    const real = await token(['admin'], 'here/demo/*');
    const absent = payload === undefined ? url.replace('/2/', '/77/') : url;

    const hidden = await post(url, bearer(real), payload);
    const nothing = await post(absent, bearer(real), payload && { ...payload, repo: 'here/sealed/vaults' });

    const shape = (answer: Response): unknown[] => [
      answer.statusCode,
      answer.body.replace(/"reference":"\w+"/, ''),
    ];
    expect(hidden.statusCode).toBe(404);
    expect(shape(hidden)).toEqual(shape(nothing));
    expect(commands.asked).toEqual([]);
  },
);

test('a public repository that the token is not for is there, and cannot be changed with it', async () => {
  const real = await token(['admin'], 'here/sealed/*');

  expect((await post('/api/v1/evals/1/cancel', bearer(real))).statusCode).toBe(403);
  expect((await post('/api/v1/evals/2/cancel', bearer(real))).statusCode).toBe(200);
});

test('a token of a repository does not reach a repository whose name only begins alike', async () => {
  for (const glob of [
    'here/sealed/vaul',
    'here/sealed/vault/*',
    'here/seal/*',
    'her*/vault/x',
    '*/vault/**',
  ]) {
    const made = await tokens.administration.create({
      name: 'narrow',
      rights: ['read'],
      repositories: glob,
      validMs: null,
    });
    const real = made.kind === 'done' ? made.token : '';
    expect((await server.inject({ url: '/api/v1/evals/2', headers: bearer(real) })).statusCode).toBe(404);
    await tokens.administration.revoke('narrow');
  }
});

test('a body is not looked at before the token is', async () => {
  const answer = await server.inject({
    method: 'POST',
    url: '/api/v1/evals',
    headers: { 'content-type': 'application/json' },
    payload: '{"repo": ',
  });

  expect(answer.statusCode).toBe(401);
});

test('a change is one line of the log with who and what, also a refused one; a stranger’s is none', async () => {
  const real = await token(['cancel']);
  await post('/api/v1/evals/1/cancel', bearer(real));
  await post('/api/v1/evals/1/approve', bearer(real));
  await post('/api/v1/evals/1/cancel', bearer('argx_wrong'));

  const lines = log.lines.filter(({ message }) => message === 'a change was asked for');
  expect(lines).toMatchObject([
    { by: 'token one-cancel', action: '/evals/:id/cancel', of: { id: 1 }, status: 200 },
    { by: 'token one-cancel', action: '/evals/:id/approve', of: { id: 1 }, status: 403 },
  ]);
  expect(JSON.stringify(log.lines)).not.toContain(real);
});

test('what is approved keeps the name of the token', async () => {
  await post('/api/v1/evals/1/approve', bearer(await token(['approve'])));

  expect(commands.asked).toEqual([['approveEvaluation', 1, 'token one-approve']]);
});

test('the document says what needs a token', async () => {
  const { paths, components }: { paths: Record<string, { post?: object }>; components: object } = (
    await server.inject({ url: '/api/v1/openapi.json' })
  ).json();

  expect(components).toMatchObject({ securitySchemes: { token: { type: 'http', scheme: 'bearer' } } });
  for (const [url] of CHANGES) {
    expect(paths[url.replace('/1', '/{id}')]?.post).toMatchObject({
      security: [{ token: [] }],
      responses: { 401: {}, 403: {}, 404: {}, 409: {} },
    });
  }
});
