import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { EvaluationId, JobId, LeaseId } from '@argunix/shared/domain/ids';
import { silentLogger } from '@argunix/shared/kit/logger';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { until } from '../../../test/until.ts';
import type { Change, Changes } from '../../ports/changes.ts';
import type { LiveTail, LogStore, LogWriter } from '../../ports/log-store.ts';
import { createFileLogStore } from '../logs/file-log-store.ts';
import { createApp, DEFAULT_HTTP_LIMITS } from './app.ts';
import type { FoundLog } from './log-events.ts';
import { type LogRoutesOptions, logRoutes } from './log-routes.ts';

const Id = z.custom<LeaseId & JobId & EvaluationId>((value) => typeof value === 'number');
const LEASE: LeaseId = Id.parse(3);
let dir: string;
let app: FastifyInstance;
let logs: LogStore & LiveTail;
let listeners: Set<(change: Change) => void>;
let found: FoundLog | undefined;
let base: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'argunix-log-routes-'));
  found = { leaseId: LEASE, isLive: true, isReadable: () => true };
});
afterEach(async () => {
  await app.close();
  rmSync(dir, { recursive: true, force: true });
});

async function serve(limits: LogRoutesOptions['limits'] = {}): Promise<void> {
  logs = createFileLogStore({
    dir,
    logger: silentLogger,
    limits: { chunkMs: 1, chunkBytes: 2_000, recentLines: 10, ringBytes: 100_000 },
  });
  listeners = new Set();
  const changes: Changes = {
    tell: (change) => {
      for (const listener of listeners) {
        listener(change);
      }
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  app = createApp({
    logger: silentLogger,
    limits: DEFAULT_HTTP_LIMITS,
    trustedProxies: [],
    errorPage: ({ message }) => message,
  });
  await app.register(logRoutes, {
    logs,
    changesFor: () => ({ key: 'strangers', changes }),
    logger: silentLogger,
    limits,
    findLog: ({ jobId }) => (jobId === 7 ? found : undefined),
    findLeaseLog: ({ leaseId }) => (leaseId === LEASE ? found : undefined),
  });
  base = await app.listen({ host: '127.0.0.1', port: 0 });
}

function tell(change: Change): void {
  for (const listener of listeners) {
    listener(change);
  }
}

function write(log: LogWriter, ...texts: string[]): void {
  log.append(texts.map((text) => ({ derivation: 'hello', phase: '', text })));
}

interface Stream {
  readonly response: IncomingMessage;
  readonly text: () => string;
  readonly hasEnded: () => boolean;
}

async function open(path: string, headers: Record<string, string> = {}): Promise<Stream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${base}${path}`, { headers, agent: false }, resolve).on('error', reject);
  });
  let text = '';
  let hasEnded = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('end', () => {
    hasEnded = true;
  });
  response.on('error', () => undefined);
  return { response, text: () => text, hasEnded: () => hasEnded };
}

function textsIn(stream: string): string[] {
  const Lines = z.object({ lines: z.array(z.object({ text: z.string() })) });
  return [...stream.matchAll(/^event: lines\ndata: ([^\n]*)\n/gm)].flatMap(([, json = '']) =>
    Lines.parse(JSON.parse(json)).lines.map(({ text }) => text),
  );
}

function lastNumberIn(stream: string): number {
  const at = stream.lastIndexOf('\nid: 3.');
  return at === -1 ? -1 : Number.parseInt(stream.slice(at + '\nid: 3.'.length, at + 20), 10);
}

test('a log is plain text that a browser may not take for anything else', async () => {
  await serve();
  const log = logs.open(LEASE);
  write(log, 'first', '</script>\u001b]0;title\u0007 \u001b[31mred\u001b[0m\0');
  log.append([{ derivation: '', phase: '', text: 'of Nix' }]);
  await log.close();

  const { headers, body } = await app.inject('/api/v1/jobs/7/log');

  expect(body).toBe('hello> first\nhello> </script> \u001b[31mred\u001b[0m\nof Nix\n');
  expect(headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(headers['x-content-type-options']).toBe('nosniff');
});

test('a part of a log is found by line numbers, from either end', async () => {
  await serve();
  const log = logs.open(LEASE);
  write(log, ...Array.from({ length: 100 }, (_, at) => `line ${at}`));
  await log.close();

  expect((await app.inject('/api/v1/jobs/7/log?from=40&limit=2')).body).toBe(
    'hello> line 40\nhello> line 41\n',
  );
  expect((await app.inject('/api/v1/jobs/7/log?from=-1')).body).toBe('hello> line 99\n');
  expect((await app.inject('/api/v1/jobs/7/log?download')).headers['content-disposition']).toBe(
    'attachment; filename="job-7.log"',
  );
});

test('the log of a lease is read and followed like that of a job, by its own number', async () => {
  await serve();
  const log = logs.open(LEASE);
  write(log, 'of a shared dependency');

  const stream = await open(`/api/v1/leases/${LEASE}/log/stream`);
  await expect.poll(() => textsIn(stream.text())).toEqual(['of a shared dependency']);
  await log.close();

  await expect.poll(stream.hasEnded).toBe(true);
  expect((await app.inject(`/api/v1/leases/${LEASE}/log?download`)).headers['content-disposition']).toBe(
    'attachment; filename="lease-3.log"',
  );
  for (const path of ['/api/v1/leases/4/log', '/api/v1/leases/4/log/stream']) {
    expect([path, (await app.inject(path)).statusCode]).toEqual([path, 404]);
  }
});

async function ask(query: string): Promise<unknown> {
  const headers = { accept: 'application/json' };
  return (await app.inject({ url: `/api/v1/jobs/7/log?${query}`, headers })).json();
}

test('as JSON a log comes in parts, each of which says where to go on', async () => {
  await serve();
  const log = logs.open(LEASE);
  write(log, 'a', 'b', 'c');
  await log.close();
  found = { leaseId: LEASE, isLive: false, isReadable: () => true };

  expect(await ask('limit=2')).toMatchObject({ lines: [{ number: 0, text: 'a' }, { text: 'b' }], next: 2 });
  expect(await ask('from=2')).toMatchObject({
    lines: [{ number: 2, derivation: 'hello', text: 'c' }],
    next: null,
  });
});

test('a job that does not exist, or may not be seen, is not found', async () => {
  await serve();

  for (const path of ['/api/v1/jobs/8/log', '/api/v1/jobs/8/log/stream']) {
    expect((await app.inject(path)).json()).toMatchObject({
      error: { code: 'not-found', message: 'There is nothing here.' },
    });
  }
  expect((await app.inject('/api/v1/jobs/x/log')).statusCode).toBe(400);
  expect((await app.inject('/api/v1/jobs/7/log?form=3')).statusCode).toBe(400);
});

test('a stream carries lines as they come and ends with the log', async () => {
  await serve();
  const log = logs.open(LEASE);
  write(log, 'before');

  const stream = await open('/api/v1/jobs/7/log/stream');
  await expect.poll(() => textsIn(stream.text())).toEqual(['before']);
  write(log, 'after', 'two\r', 'a\u2028b');
  await expect.poll(() => textsIn(stream.text())).toEqual(['before', 'after', 'two', 'a\u2028b']);
  await log.close();

  await expect.poll(stream.hasEnded).toBe(true);
  expect(stream.text()).toMatch(/^retry: \d+\n\n/);
  expect(stream.text()).toMatch(/\n\nid: 3\.3\nevent: lines\n/);
  expect(stream.text()).toMatch(/\n\nevent: end\ndata: \{\}\n\n$/);
  expect(stream.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
});

test('Last-Event-ID resumes behind its line, but not in the log of another attempt', async () => {
  await serve();
  const log = logs.open(LEASE);
  const texts = Array.from({ length: 50 }, (_, at) => `line ${at}`);
  write(log, ...texts);
  await log.close();

  const resumed = await open('/api/v1/jobs/7/log/stream?from=0', { 'last-event-id': '3.9' });
  const other = await open('/api/v1/jobs/7/log/stream', { 'last-event-id': '2.9' });

  await expect.poll(() => resumed.hasEnded() && other.hasEnded()).toBe(true);
  expect(textsIn(resumed.text())).toEqual(texts.slice(10));
  expect(textsIn(other.text())).toEqual(texts.slice(-10));
  expect(other.text()).toContain('event: lag\ndata: {"dropped":40}\n');
});

test('the stream of a job whose log has not begun ends without an end, so that a browser comes back', async () => {
  await serve();

  const stream = await open('/api/v1/jobs/7/log/stream');

  await expect.poll(stream.hasEnded).toBe(true);
  expect(stream.text()).not.toContain('event: end');
});

test('a reader that takes nothing is cut off, the others do not notice', async () => {
  await serve({ stallMs: 300 });
  const log = logs.open(LEASE);
  const quick = await open('/api/v1/jobs/7/log/stream?from=0');
  const stalled = await stalledReader('/api/v1/jobs/7/log/stream?from=0');
  let written = 0;
  const piece = 'x'.repeat(1_000);

  await expect
    .poll(
      () => {
        // A quick reader is one that keeps up: it is not the machine that is tested here.
        if (lastNumberIn(quick.text()) === written - 1) {
          write(log, ...Array.from({ length: 50 }, () => piece));
          written += 50;
        }
        return stalled.destroyed || written > 200_000;
      },
      { timeout: 20_000, interval: 1 },
    )
    .toBe(true);
  await log.close();

  expect(stalled.destroyed).toBe(true);
  await expect.poll(quick.hasEnded, { timeout: 20_000 }).toBe(true);
  expect(quick.text().includes('event: lag')).toBe(false);
  expect(textsIn(quick.text()).length).toBe(written);
});

/** Asks and never reads; it only notices that it was cut off, by keeping its side of the connection alive. */
async function stalledReader(path: string): Promise<Socket> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  // What we write to a connection that was reset comes back as an error: that is how a paused socket learns of it.
  const probe = setInterval(() => socket.write('\r\n'), 20);
  socket.once('close', () => clearInterval(probe));
  return socket;
}

test('a client that goes away frees its place, and one too many is told so', async () => {
  await serve({ maxResponses: 1 });
  const log = logs.open(LEASE);
  const first = await open('/api/v1/jobs/7/log/stream');

  const second = await open('/api/v1/events');
  first.response.destroy();

  expect(second.response.statusCode).toBe(503);
  await expect.poll(async () => (await open('/api/v1/jobs/7/log/stream')).response.statusCode).toBe(200);
  await log.close();
});

test('stopping ends every stream with a retry and no end, also of one who reads nothing', async () => {
  await serve({ closeMs: 200 });
  const log = logs.open(LEASE);
  write(log, 'a');
  const stream = await open('/api/v1/jobs/7/log/stream?from=0');
  const events = await open('/api/v1/events');
  const stalled = await stalledReader('/api/v1/jobs/7/log/stream?from=0');
  for (let at = 0; at < 400; at += 1) {
    write(log, ...Array.from({ length: 50 }, () => 'x'.repeat(1_000)));
    await setImmediate();
    await setImmediate();
  }
  await expect.poll(() => textsIn(stream.text()).length).toBeGreaterThan(0);

  await app.close();

  await expect.poll(() => stream.hasEnded() && events.hasEnded() && stalled.destroyed).toBe(true);
  expect(stream.text().slice(-20)).toMatch(/\n\nretry: \d+\n\n$/);
  expect(stream.text().includes('event: end')).toBe(false);
  await log.close();
});

test('silence is broken by comments', async () => {
  await serve({ keepAliveMs: 20 });

  const stream = await open('/api/v1/events');

  await expect.poll(stream.text).toContain(': keep-alive\n\n');
});

test('changes come together, each thing once, and resume where a reader was', async () => {
  await serve();
  const first = await open('/api/v1/events');
  await expect.poll(first.text).toContain('id: ');

  tell({ kind: 'evaluation', evaluationId: Id.parse(5) });
  tell({ kind: 'jobs', evaluationId: Id.parse(5), jobIds: [Id.parse(1)] });
  tell({ kind: 'jobs', evaluationId: Id.parse(5), jobIds: [Id.parse(1), Id.parse(2)] });
  tell({ kind: 'evaluation', evaluationId: Id.parse(5) });
  await expect.poll(first.text).toContain('event: jobs');

  const batch =
    'event: evaluation\ndata: {"evaluation_id":5}\n\nevent: jobs\ndata: {"evaluation_id":5,"job_ids":[1,2]}\n\nid: ';
  expect(first.text().split('event: ')).toHaveLength(3);
  expect(first.text()).toContain(batch);
  const [, start = ''] = /^id: (.*)$/m.exec(first.text()) ?? [];
  const resumed = await open('/api/v1/events', { 'last-event-id': start });
  await expect.poll(resumed.text).toContain(batch);
  const strange = await open('/api/v1/events', { 'last-event-id': 'another-run.5' });
  await expect.poll(strange.text).toContain('event: lag\ndata: {"dropped":null}\n');
});

test('a stream ends for a reader who may not read it any more, and tells nothing more', async () => {
  await serve();
  const log = logs.open(LEASE);
  let isReadable = true;
  found = { leaseId: LEASE, isLive: true, isReadable: () => isReadable };
  write(log, 'before');
  const stream = await open('/api/v1/jobs/7/log/stream?from=0');
  await until('the stream has begun', () => stream.text().includes('before'));

  isReadable = false;
  write(log, 'after');

  await until('the stream ends', () => stream.hasEnded());
  expect(textsIn(stream.text())).toEqual(['before']);
});

test('a download is cut off, not closed, when its reader may not read it any more', async () => {
  await serve();
  const log = logs.open(LEASE);
  found = { leaseId: LEASE, isLive: true, isReadable: () => false };
  write(log, 'secret');
  await log.close();

  await expect(fetch(`${base}/api/v1/jobs/7/log`).then((answer) => answer.text())).rejects.toThrow(
    'terminated',
  );
});
