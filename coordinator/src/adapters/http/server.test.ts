import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { until } from '@argunix/shared/kit/testing/until';
import { afterEach, expect, test } from 'vitest';
import { smallRows, startHttpServer } from '../../../test/fakes/http-server.ts';
import { createLiveStreams } from '../../../test/fakes/live-log-routes.ts';
import { evaluationRow, jobRow } from '../../../test/fakes/view-rows.ts';
import { createFakeViews } from '../../../test/fakes/views.ts';
import type { HttpServer } from './server.ts';

const open: HttpServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) {
    socket.destroy();
  }
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function listen(
  options: Parameters<typeof startHttpServer>[0] = {},
): Promise<{ server: HttpServer; url: URL }> {
  const server = await startHttpServer(options);
  open.push(server);
  return { server, url: new URL(await server.listen()) };
}

async function dial(url: URL, text = ''): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname);
  sockets.push(socket);
  socket.on('error', () => {}); // being cut off is what these tests are about
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** However it ends: cut off with words unread, the system calls it a reset. */
async function ending(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

test('closing ends a parked connection, a silent one, a live stream and a request that never comes', async () => {
  const streams = createLiveStreams();
  const stuck = (app: { get(path: string, handler: () => Promise<void>): unknown }): void => {
    app.get('/stuck', () => new Promise(() => {}));
  };
  const { server, url } = await listen({ plugins: [streams.plugin, stuck], limits: { closeMs: 300 } });
  const host = `Host: ${url.host}\r\n\r\n`;
  const parked = await dial(url, `GET /healthz HTTP/1.1\r\n${host}`);
  await once(parked, 'data');
  const clients = [
    parked,
    await dial(url),
    await dial(url, `GET /api/v1/jobs/1/log/stream HTTP/1.1\r\n${host}`),
    await dial(url, `GET /stuck HTTP/1.1\r\n${host}`),
    await dial(url, 'POST /webhook/here HTTP/1.1\r\nContent-Length: 100\r\n'),
  ];
  await until(() => streams.followers(1) === 1);
  const ends = clients.map((client) => ending(client.resume()));

  await server.close();

  await Promise.all(ends);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test('closing does not wait for a connection that never asked for anything', async () => {
  const { server, url } = await listen({ limits: { closeMs: 3_600_000 } });
  const ahead = await dial(url);
  const gone = ending(ahead);
  await (await fetch(new URL('/healthz', url))).text();

  await server.close();

  await expect(gone).resolves.toBeUndefined();
});

test('a port that is taken is said so', async () => {
  const { url } = await listen();
  const second = await startHttpServer({ listen: { host: '127.0.0.1', port: Number(url.port) } });

  await expect(second.listen()).rejects.toMatchObject({ code: 'listen.failed' });
});

test('only this host is listened to unless told otherwise', async () => {
  const { url } = await listen({ listen: { host: '127.0.0.1', port: 0 } });

  expect(url.hostname).toBe('127.0.0.1');
});

test('being alive is not being ready, and what is missing is told', async () => {
  const server = await startHttpServer({
    readiness: () => ({ kind: 'not_ready', reason: 'The database cannot be written: disk full.' }),
  });

  const alive = await server.inject({ url: '/healthz' });
  const ready = await server.inject({ url: '/readyz' });

  expect(alive.statusCode).toBe(200);
  expect(ready.statusCode).toBe(503);
  expect(ready.json()).toMatchObject({ error: { message: 'The database cannot be written: disk full.' } });
});

const FROM_HERE = { remoteAddress: '127.0.0.1', headers: { host: 'localhost:8080' } };
const STRANGE = [
  ['another address', { ...FROM_HERE, remoteAddress: '10.0.0.7' }],
  ['a proxy in between', { ...FROM_HERE, headers: { ...FROM_HERE.headers, 'x-forwarded-for': '127.0.0.1' } }],
  ['a standard forwarding header', { ...FROM_HERE, headers: { ...FROM_HERE.headers, forwarded: 'for=::1' } }],
  ['a name that only resolves to this host', { ...FROM_HERE, headers: { host: 'rebound.example.com' } }],
] as const;

test.each(STRANGE)('without a token %s gets no metrics', async (_case, request) => {
  const server = await startHttpServer({ trustedProxies: ['127.0.0.1'] });

  expect((await server.inject({ url: '/metrics', ...request })).statusCode).toBe(404);
  expect((await server.inject({ url: '/metrics', ...FROM_HERE })).statusCode).toBe(200);
});

test('with a token the metrics are for whoever has it, from anywhere', async () => {
  const server = await startHttpServer({ metricsToken: () => 'scrape-1' });
  async function statusWith(authorization: string): Promise<number> {
    const headers = { authorization, host: 'ci.example.com' };
    return (await server.inject({ url: '/metrics', remoteAddress: '10.0.0.7', headers })).statusCode;
  }

  expect(await statusWith('Bearer scrape-1')).toBe(200);
  expect(await statusWith('Bearer scrape-2')).toBe(401);
  expect(await statusWith('Basic scrape-1')).toBe(401);
  expect((await server.inject({ url: '/metrics', ...FROM_HERE })).statusCode).toBe(401);
});

test.each([
  ['every job passed', { outcome: 'success' }, 'success', 'passing'],
  ['a job failed', { outcome: 'failure' }, 'failure', 'failing'],
  ['a job was cancelled', { outcome: 'error' }, 'cancelled', 'failing'],
  ['the flake did not evaluate', { status: 'evaluation_failed', outcome: null }, 'success', 'failing'],
] as const)('when %s the badge says so', async (_case, evaluation, jobStatus, state) => {
  const rows = smallRows({
    evaluations: [
      evaluationRow({ id: 1, ...evaluation }),
      evaluationRow({ id: 2, status: 'cancelled', outcome: null }),
      evaluationRow({ id: 3, status: 'building', outcome: null }),
      evaluationRow({ id: 4, ref: 'refs/heads/release/1.0' }),
    ],
    jobs: [
      jobRow({ id: 1, eval_id: 1, attr: 'a', status: 'cached' }),
      jobRow({ id: 2, eval_id: 1, attr: 'b', status: jobStatus }),
    ],
  });
  const server = await startHttpServer({ views: createFakeViews(rows) });

  for (const url of [
    '/badge/here/demo/sample.svg',
    '/badge/here/demo/sample.svg?branch=main',
    '/badge/here/demo/sample/main.svg',
  ]) {
    const badge = await server.inject({ url });
    expect(badge.headers['content-type']).toContain('image/svg+xml');
    expect(badge.body).toContain(`argunix: ${state}`);
  }
  expect((await server.inject({ url: '/badge/here/demo/sample/release/1.0.svg' })).body).toContain('passing');
  expect((await server.inject({ url: '/badge/here/demo/sample/none.svg' })).body).toContain('unknown');
  expect((await server.inject({ url: '/badge/here/demo/absent.svg' })).statusCode).toBe(404);
});

test('what only an operator may change cannot be asked for where strangers listen', async () => {
  const server = await startHttpServer();
  const changes = server.routes.filter((route) => !/^(GET|HEAD) /.test(route));

  expect(changes.filter((route) => !/^POST \/api\/v1\/(?:evals|jobs)\b/.test(route))).toEqual([
    'POST /webhook/:forge',
    'POST /webhook/:forge/:hook',
  ]);
  for (const url of ['/api/v1/reload', '/api/v1/tokens', '/api/v1/builders/local/revoke']) {
    expect((await server.inject({ method: 'POST', url, payload: {} })).statusCode).toBe(404);
  }
  expect((await server.inject({ url: '/api/v1/tokens' })).statusCode).toBe(404);
});
