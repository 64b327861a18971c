import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { systemClock } from '@argunix/shared/kit/clock';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createForgeHttp, type ForgeHttp, type ForgeRequest } from './forge-http.ts';

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

interface Heard {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly type: string | undefined;
}

interface Place {
  readonly url: string;
  readonly heard: readonly Heard[];
}

async function listen(serve: Serve): Promise<Place> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    heard.push({ method, url, authorization: headers.authorization, type: headers['content-type'] });
    request.resume();
    serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, heard };
}

interface Client {
  readonly http: ForgeHttp;
  readonly outcomes: (number | 'unreachable')[];
  readonly advance: (ms: number) => void;
}

function clientOf(apiUrl: string, timeoutMs = 10_000): Client {
  let now = Date.parse('2026-03-01T12:00:00Z');
  const outcomes: (number | 'unreachable')[] = [];
  const http = createForgeHttp({
    forge: 'here',
    apiUrl,
    authorize: async () => await Promise.resolve({ authorization: 'Bearer hush' }),
    clock: { now: () => toEpochMs(now), sleep: systemClock.sleep.bind(systemClock) },
    timeoutMs,
    retryMs: 5,
    onAnswer: (outcome) => outcomes.push(outcome),
  });
  onTestFinished(async () => {
    await http.close();
  });
  return {
    http,
    outcomes,
    advance: (ms) => {
      now += ms;
    },
  };
}

function get(path = '/x', over: Partial<ForgeRequest> = {}): ForgeRequest {
  return { method: 'GET', path, signal: AbortSignal.timeout(20_000), ...over };
}

function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

describe('an answer', () => {
  it('is given with its body as JSON, and was asked for in our name', async () => {
    const place = await listen((_, response) => {
      json(response, 200, { a: 1 });
    });
    const { http, outcomes } = clientOf(`${place.url}/api`);

    const answer = await http.send(get('/x', { query: { q: 'a b&c', page: 2 } }));

    expect(answer).toMatchObject({ status: 200, body: { a: 1 } });
    expect(place.heard).toEqual([
      { method: 'GET', url: '/api/x?q=a+b%26c&page=2', authorization: 'Bearer hush', type: undefined },
    ]);
    expect(outcomes).toEqual([200]);
  });

  it('that is empty or no JSON is given as it is', async () => {
    const place = await listen(({ url }, response) => {
      response.writeHead(200).end(url === '/empty' ? '' : '<html>');
    });
    const { http } = clientOf(place.url);

    expect((await http.send(get('/empty'))).body).toBeUndefined();
    expect((await http.send(get('/page'))).body).toBe('<html>');
  });

  it('that was asked for as one is none of the troubles', async () => {
    const place = await listen((_, response) => {
      json(response, 404, {});
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get('/x', { answers: [404] }))).resolves.toMatchObject({ status: 404 });
    await expect(http.send(get('/x'))).rejects.toMatchObject({ code: 'forge.forbidden' });
  });

  it('of trouble says what the forge said, what was asked, and what is likely missing', async () => {
    const place = await listen((_, response) => {
      json(response, 403, { message: 'Resource not accessible' });
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get('/x', { needs: 'the scope repo' }))).rejects.toMatchObject({
      code: 'forge.forbidden',
      message: 'here: GET /x was answered with 403: Resource not accessible. Most likely the scope repo.',
      details: { forge: 'here', status: 403 },
    });
  });

  it('that never ends is cut off long before memory is', async () => {
    const place = await listen((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(Buffer.alloc(4 * 1024 * 1024)), 1);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get())).rejects.toMatchObject({ code: 'forge.failed' });
    expect(place.heard).toHaveLength(1);
  });

  it('that drips is cut off at the deadline, and is not asked for again', async () => {
    const place = await listen((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    const { http, outcomes } = clientOf(place.url, 400);

    await expect(http.send(get())).rejects.toMatchObject({
      code: 'forge.unreachable',
      message: 'here: no answer within 0.4 s.',
    });
    expect(place.heard).toHaveLength(1);
    expect(outcomes).toEqual(['unreachable']);
  });
});

describe('a connection that breaks', () => {
  it('is tried twice more for a question', async () => {
    const place = await listen((_, response) => {
      if (place.heard.length < 3) {
        response.destroy();
      } else {
        json(response, 200, {});
      }
    });
    const { http, outcomes } = clientOf(place.url);

    await expect(http.send(get())).resolves.toMatchObject({ status: 200 });
    expect(outcomes).toEqual(['unreachable', 'unreachable', 200]);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('is not tried again for %s', async (method) => {
    const place = await listen((_, response) => {
      response.destroy();
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get('/x', { method, body: {} }))).rejects.toMatchObject({
      code: 'forge.unreachable',
    });
    expect(place.heard).toHaveLength(1);
  });

  it('where nobody listens is unreachable', async () => {
    const { http } = clientOf('http://127.0.0.1:9');

    await expect(http.send(get())).rejects.toMatchObject({ code: 'forge.unreachable' });
  });

  it('a failure is not tried again', async () => {
    const place = await listen((_, response) => {
      json(response, 500, {});
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get())).rejects.toMatchObject({ code: 'forge.failed' });
    expect(place.heard).toHaveLength(1);
  });
});

describe('a redirect', () => {
  it.each([301, 302, 307, 308])('%d of a question is followed within the origin', async (status) => {
    const place = await listen(({ url }, response) => {
      if (url === '/new') {
        json(response, 200, { a: 1 });
      } else {
        response.writeHead(status, { location: '/new' }).end();
      }
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get())).resolves.toMatchObject({ body: { a: 1 } });
    expect(place.heard.map(({ authorization }) => authorization)).toEqual(['Bearer hush', 'Bearer hush']);
  });

  it.each([
    [301, 1],
    [302, 1],
    [303, 1],
    [307, 2],
    [308, 2],
  ])('%d of a change is followed only where it stays the same change', async (status, heard) => {
    const place = await listen(({ url }, response) => {
      if (url === '/new') {
        json(response, 201, {});
      } else {
        response.writeHead(status, { location: '/new' }).end();
      }
    });
    const { http } = clientOf(place.url);

    const end = await http
      .send(get('/x', { method: 'POST', body: { a: 1 } }))
      .catch((error: unknown) => error);

    expect(end).toMatchObject(heard === 2 ? { status: 201 } : { code: 'forge.refused' });
    expect(place.heard.map(({ method }) => method)).toEqual(Array.from({ length: heard }, () => 'POST'));
  });

  it.each([
    (other: string) => `${other}/x`,
    (other: string) => other.replace('http:', 'https:'),
    (other: string) => other.replace('http:', ''),
    (_: string, own: string) => own.replace('127.0.0.1', 'localhost'),
    (_: string, own: string) =>
      own.replace('http://', 'http://user:password@').replace('127.0.0.1', '127.0.0.2'),
    () => 'file:///etc/passwd',
    () => 'http://',
  ])('to another origin is refused, and nothing is sent there: %s', async (locate) => {
    const other = await listen((_, response) => {
      json(response, 200, {});
    });
    const place = await listen((_, response) => {
      response.writeHead(302, { location: locate(other.url, place.url) }).end();
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get())).rejects.toMatchObject({ code: 'forge.refused' });
    expect(other.heard).toEqual([]);
    expect(place.heard).toHaveLength(1);
  });

  it('in a circle ends', async () => {
    const place = await listen((_, response) => {
      response.writeHead(302, { location: '/x' }).end();
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get())).rejects.toMatchObject({ code: 'forge.refused' });
    expect(place.heard).toHaveLength(4);
  });
});

describe('a forge that asks us to wait', () => {
  it('hears nothing until then, whatever is asked, and is asked again after', async () => {
    let isLimited = true;
    const place = await listen((_, response) => {
      json(response, isLimited ? 429 : 200, {}, isLimited ? { 'retry-after': '10' } : {});
    });
    const { http, advance } = clientOf(place.url);
    const limited = { code: 'forge.rate-limited', details: { retryAfterMs: 10_000 } };

    await expect(http.send(get())).rejects.toMatchObject(limited);
    isLimited = false;
    advance(4_000);
    await expect(http.send(get('/y', { method: 'POST', body: {} }))).rejects.toMatchObject({
      code: 'forge.rate-limited',
      details: { retryAfterMs: 6_000 },
    });
    expect(place.heard).toHaveLength(1);
    advance(6_000);
    await expect(http.send(get())).resolves.toMatchObject({ status: 200 });
  });

  it('a shorter wait that comes later does not shorten the longer', async () => {
    let seconds = 100;
    const place = await listen((_, response) => {
      json(response, 429, {}, { 'retry-after': String(seconds) });
      seconds = 1;
    });
    const { http, advance } = clientOf(place.url);

    await Promise.allSettled([http.send(get()), http.send(get())]);
    advance(50_000);

    await expect(http.send(get())).rejects.toMatchObject({ details: { retryAfterMs: 50_000 } });
    expect(place.heard).toHaveLength(2);
  });

  it('by a secondary limit is waited for although the status is 403', async () => {
    const place = await listen((_, response) => {
      json(response, 403, { message: 'You have exceeded a secondary rate limit. Please wait.' });
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get())).rejects.toMatchObject({
      code: 'forge.rate-limited',
      details: { retryAfterMs: 60_000 },
    });
  });
});

describe('a signal', () => {
  it('that fired sends nothing', async () => {
    const place = await listen((_, response) => {
      json(response, 200, {});
    });
    const { http } = clientOf(place.url);
    const reason = new Error('enough');

    await expect(http.send(get('/x', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    await expect(
      http.send(get('/x', { method: 'POST', body: {}, signal: AbortSignal.abort(reason) })),
    ).rejects.toBe(reason);
    expect(place.heard).toEqual([]);
  });

  it('that fires ends the wait for an answer, and nothing is tried again', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const place = await listen(() => {
      controller.abort(reason);
    });
    const { http } = clientOf(place.url);

    await expect(http.send(get('/x', { signal: controller.signal }))).rejects.toBe(reason);
    expect(place.heard).toHaveLength(1);
  });

  it('whose reason is no error ends it all the same', async () => {
    const { http } = clientOf('http://127.0.0.1:9');

    await expect(http.send(get('/x', { signal: AbortSignal.abort('text') }))).rejects.toBeDefined();
  });
});

describe('close', () => {
  it('ends what waits', async () => {
    const { http } = await hanging();

    const sending = http.send(get('/x', { method: 'POST', body: {} }));
    const closing = http.close();

    await expect(sending).rejects.toMatchObject({ code: 'forge.unreachable' });
    await closing;
  });

  async function hanging(): Promise<Client> {
    const place = await listen(() => undefined);
    return clientOf(place.url);
  }
});
