import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { AppError } from '@argunix/shared/kit/app-error';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createFakeCommands } from '../../../test/fakes/commands.ts';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import { keptLog } from '../../../test/forge-fixture.ts';
import type { DeliveryDoor } from '../../ports/delivery-door.ts';
import type { HttpServer } from './server.ts';

let server: HttpServer | undefined;

afterEach(async () => {
  await server?.close();
});

test('a poke brings the next look forward, whatever its body says', async () => {
  const commands = createFakeCommands();
  server = await startHttpServer({ commands });

  for (const [type, payload] of [
    ['application/json', '{"repository":'],
    ['text/x-nonsense', '\u0000'],
    ['application/x-www-form-urlencoded', 'a=b'],
  ] as const) {
    const headers = { 'content-type': type };
    const answer = await server.inject({
      method: 'POST',
      url: '/webhook/here?repo=demo/sample',
      payload,
      headers,
    });

    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ message: 'The next look comes at once.' });
  }
  expect(await server.inject({ method: 'POST', url: '/webhook/here' })).toMatchObject({ statusCode: 202 });
  expect(commands.asked[0]).toEqual([
    'poke',
    { forge: 'here', slug: 'demo/sample', remoteAddress: '127.0.0.1' },
  ]);
  expect(commands.asked[3]).toEqual(['poke', { forge: 'here', slug: null, remoteAddress: '127.0.0.1' }]);
});

test('only a trusted proxy may say for whom it speaks', async () => {
  const commands = createFakeCommands();
  server = await startHttpServer({ commands, trustedProxies: ['127.0.0.1'] });
  const headers = { 'x-forwarded-for': '203.0.113.9' };

  await server.inject({ method: 'POST', url: '/webhook/here', headers });
  await server.inject({ method: 'POST', url: '/webhook/here', headers, remoteAddress: '198.51.100.1' });

  expect(commands.asked).toMatchObject([
    ['poke', { remoteAddress: '203.0.113.9' }],
    ['poke', { remoteAddress: '198.51.100.1' }],
  ]);
});

test('pokes beyond the rate are told when to come back, and other forges are not held up', async () => {
  let now = 0;
  const commands = createFakeCommands();
  const busy = await startHttpServer({
    commands,
    pokedForges: () => ['here', 'there'],
    pokes: { burst: 2, refillMs: 4000 },
    now: () => now,
  });
  const poke = async (forge: string): Promise<{ statusCode: number; headers: Record<string, unknown> }> =>
    await busy.inject({ method: 'POST', url: `/webhook/${forge}` });

  expect((await poke('here')).statusCode).toBe(202);
  expect((await poke('here')).statusCode).toBe(202);
  const refused = await poke('here');
  expect(refused.statusCode).toBe(429);
  expect(refused.headers['retry-after']).toBe('4');
  expect((await poke('there')).statusCode).toBe(202);
  now = 4000;
  expect((await poke('here')).statusCode).toBe(202);
});

test('a forge that is not configured, or takes no pokes, is not there', async () => {
  server = await startHttpServer({ pokedForges: () => ['here'] });

  expect((await server.inject({ method: 'POST', url: '/webhook/codeberg' })).statusCode).toBe(404);
  expect((await server.inject({ method: 'POST', url: '/webhook/__proto__' })).statusCode).toBe(404);
});

const stores: DeliveryDoor = () => Promise.resolve({ kind: 'accepted' });

test.each([
  ['a poke', '/webhook/here'],
  ['a delivery', '/webhook/there/hook'],
])('a body over the limit is refused, announced or not: %s', async (_, path) => {
  server = await startHttpServer({ limits: { bodyBytes: 1000, closeMs: 200 }, door: stores });
  const url = new URL(path, await server.listen());

  expect(await post(url, 'x'.repeat(1001), true)).toBe(413);
  expect(await post(url, 'x'.repeat(1001), false)).toBe(413);
  expect(await post(url, 'x'.repeat(1000), false)).toBe(202);
});

test('each delivery that is refused is counted and told in one line, wherever on its way', async () => {
  const refused: (readonly [forge: string, outcome: string])[] = [];
  const log = keptLog();
  let trouble = new AppError('webhook.bad-signature', 'The delivery has no signature.');
  server = await startHttpServer({
    limits: { bodyBytes: 100, closeMs: 200 },
    metrics: {
      webhookReceived: (forge, outcome) => void refused.push([forge, outcome]),
      render: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
    },
    logger: log,
    door: () => Promise.reject(trouble),
  });
  const tell = async (payload: string): Promise<readonly [number, string]> => {
    const answer = await server?.inject({ method: 'POST', url: '/webhook/there/hook', payload });
    const { error } = z.object({ error: z.object({ message: z.string() }) }).parse(answer?.json());
    return [answer?.statusCode ?? 0, error.message];
  };

  expect(await tell('x')).toEqual([401, 'The delivery has no signature.']);
  expect(await tell('x'.repeat(101))).toEqual([413, 'body: expected at most 100 B']);
  trouble = new AppError('webhook.malformed', 'ref: expected string');
  expect(await tell('x')).toEqual([400, 'ref: expected string']);
  trouble = new AppError('store.failed', 'of our disk');
  expect((await tell('x'))[1]).not.toContain('disk');

  expect(refused).toEqual(Array.from({ length: 4 }, () => ['there', 'refused']));
  expect(log.said('warn')).toEqual(Array.from({ length: 4 }, () => 'a delivery was refused'));
});

// The short way, and an address that only the router can read.
test.each([
  ['hook', 'hook'],
  ['a%2Fb', 'a/b'],
])(
  'a delivery comes to the door whole, and its answer is the same whether or not its length was announced: %s',
  async (address, hook) => {
    const came: string[] = [];
    server = await startHttpServer({
      door: ({ forge, hook: named, headers, body }) => {
        came.push(`${forge} ${named} ${String(headers['x-of'])} ${body.length} ${body.toString().slice(-1)}`);
        return Promise.resolve({ kind: 'ignored', reason: 'Nobody watches “ä”.' });
      },
    });
    const url = new URL(`/webhook/there/${address}`, await server.listen());
    // Of more than one piece, and of none.
    for (const body of [`${'x'.repeat(300_000)}y`, '']) {
      const whole = { method: 'POST', body, headers: { 'x-of': '1' } };
      const inPieces = { ...whole, body: new Blob([body]).stream(), duplex: 'half' };
      const announced = await fetch(url, whole);
      const streamed = await fetch(url, inPieces);

      expect([announced.status, streamed.status]).toEqual([202, 202]);
      expect(headersOf(streamed)).toMatchObject(headersOf(announced));
      expect(headersOf(announced)).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'x-content-type-options': 'nosniff',
      });
      expect(await announced.json()).toEqual({
        message: 'There is nothing to do about it.',
        reason: 'Nobody watches “ä”.',
      });
      await streamed.body?.cancel();
    }

    const [whole, empty] = [`there ${hook} 1 300001 y`, `there ${hook} 1 0 `];
    expect(came).toEqual([whole, whole, empty, empty]);
  },
);

test('a refused delivery is answered as everywhere, once, and its connection goes on', async () => {
  const refused: string[] = [];
  const log = keptLog();
  const troubles = [
    new AppError('webhook.bad-signature', 'The signature does not match.'),
    new AppError('not-found', 'There is nothing here.'),
    new AppError('store.failed', 'of our disk'),
    new TypeError('a mistake of ours'),
  ];
  server = await startHttpServer({
    logger: log,
    metrics: {
      webhookReceived: (forge, outcome) => void refused.push(`${forge} ${outcome}`),
      render: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
    },
    door: () => Promise.reject(troubles.shift() ?? new Error('too often')),
  });
  const url = new URL('/webhook/there/hook', await server.listen());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: (readonly [number | undefined, string])[] = [];
  const ports = new Set<number | undefined>();
  for (let at = 0; at < 4; at += 1) {
    const answer = await answerTo(url, agent);
    ports.add(answer.socket.localPort);
    const { error } = Refusal.parse(await json(answer));
    answers.push([answer.statusCode, error.code]);
    expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
    expect(error.message).not.toMatch(/disk|mistake/);
  }
  agent.destroy();

  expect(answers).toEqual([
    [401, 'webhook.bad-signature'],
    [404, 'not-found'],
    [503, 'store.failed'],
    [500, 'internal'],
  ]);
  expect(ports.size).toBe(1);
  expect(refused).toEqual(Array.from({ length: 4 }, () => 'there refused'));
  expect(log.said('warn')).toEqual(Array.from({ length: 4 }, () => 'a delivery was refused'));
});

const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

function answerTo(url: URL, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method: 'POST', agent, headers: { 'content-length': 3 } }, resolve);
    sent.on('error', reject);
    sent.end('{ }');
  });
}

test('a server that closes answers the delivery that it has, takes no more, and waits for no connection', async () => {
  const gate = Promise.withResolvers<{ kind: 'accepted' }>();
  let came = 0;
  // Longer than a test may take.
  server = await startHttpServer({
    limits: { closeMs: 600_000 },
    door: () => {
      came += 1;
      return gate.promise;
    },
  });
  const url = new URL('/webhook/there/hook', await server.listen());
  const first = post(url, '{}', true);
  await expect.poll(() => came).toBe(1);

  const closed = server.close();
  // It is told so, or finds nobody.
  expect(await post(url, '{}', true).catch(() => 503)).toBe(503);
  gate.resolve({ kind: 'accepted' });

  expect(await first).toBe(202);
  await closed;
  expect(came).toBe(1);
});

test('a delivery that breaks off comes to no door, and is counted as refused', async () => {
  const outcomes: string[] = [];
  let came = 0;
  server = await startHttpServer({
    door: () => {
      came += 1;
      return Promise.resolve({ kind: 'accepted' });
    },
    metrics: {
      webhookReceived: (_forge, outcome) => void outcomes.push(outcome),
      render: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
    },
  });
  const url = new URL('/webhook/there/hook', await server.listen());
  const broken = httpRequest(url, { method: 'POST', headers: { 'content-length': 900 } });
  broken.on('error', () => {}); // it is cut off below
  await new Promise<void>((resolve) => broken.write('{', () => resolve()));
  broken.destroy();

  await expect.poll(() => outcomes).toEqual(['refused']);
  expect(came).toBe(0);
});

function headersOf({ headers }: Response): Readonly<Record<string, string>> {
  const { date: _, ...rest } = Object.fromEntries(headers);
  return rest;
}

test.each([
  ['pokes', '/webhook/here'],
  ['deliveries', '/webhook/there/hook'],
])('bodies in flight share one bound, and what is over is given back: %s', async (_, path) => {
  const limits = { bodyBytes: 1000, bodiesInFlightBytes: 1500, closeMs: 200 };
  server = await startHttpServer({ limits, door: stores });
  const url = new URL(path, await server.listen());
  const slow = httpRequest(url, { method: 'POST', headers: { 'content-length': 900 } });
  slow.on('error', () => {}); // it is cut off below
  slow.flushHeaders();
  slow.write('x');

  await expect.poll(() => post(url, 'y'.repeat(900), true)).toBe(503);
  slow.destroy();
  await expect.poll(() => post(url, 'y'.repeat(900), true)).toBe(202);
});

async function post(url: URL, body: string, isAnnounced: boolean): Promise<number> {
  return await new Promise((resolve, reject) => {
    const headers = isAnnounced ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' };
    const sent = httpRequest(url, { method: 'POST', headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
