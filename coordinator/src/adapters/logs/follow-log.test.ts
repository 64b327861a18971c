import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { silentLogger } from '@argunix/shared/kit/logger';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LiveTail, LogEvent, LogStore, LogWriter, NumberedLine } from '../../ports/log-store.ts';
import { createFileLogStore } from './file-log-store.ts';
import { toLease } from './fixtures/lease.ts';
import type { LogLimits } from './log-limits.ts';

const LEASE = toLease(7);
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'argunix-follow-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function storeWith(limits: Partial<LogLimits> = {}): LogStore & LiveTail {
  return createFileLogStore({ dir, logger: silentLogger, limits });
}

function write(log: LogWriter, from: number, count: number): void {
  const texts = Array.from({ length: count }, (_, at) => `line ${from + at}`);
  log.append(texts.map((text) => ({ derivation: 'd', phase: '', text })));
}

function deadline(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

async function all(events: AsyncIterable<LogEvent>): Promise<LogEvent[]> {
  const collected: LogEvent[] = [];
  for await (const event of events) {
    collected.push(event);
  }
  return collected;
}

function numbersOf(events: readonly LogEvent[]): number[] {
  return events.flatMap((event) => (event.kind === 'lines' ? event.lines.map(({ number }) => number) : []));
}

function lagsOf(events: readonly LogEvent[]): number[] {
  return events.flatMap((event) => (event.kind === 'lag' ? [event.dropped] : []));
}

function upTo(end: number, start = 0): number[] {
  return Array.from({ length: end - start }, (_, at) => start + at);
}

/** Every line is there or is counted by a lag, in order, none twice. */
function expectNoHoles(events: readonly LogEvent[], start: number, end: number): void {
  const wanted: number[] = [];
  let next = start;
  for (const event of events) {
    if (event.kind === 'lag') {
      next += event.dropped;
    } else if (event.kind === 'lines') {
      wanted.push(...upTo(next + event.lines.length, next));
      next += event.lines.length;
    }
  }
  expect(numbersOf(events)).toEqual(wanted);
  expect(next).toBe(end);
}

test('a reader gets what was written before and after it came, then the end', async () => {
  const store = storeWith({ chunkMs: 1 });
  const log = store.open(LEASE);
  write(log, 0, 10);

  const reading = all(store.follow(LEASE, undefined, deadline()));
  await setImmediate();
  write(log, 10, 10);
  await log.close();

  const events = await reading;
  expect(numbersOf(events)).toEqual(upTo(20));
  expect(events.at(-1)).toEqual({ kind: 'end' });
});

test('readers of a live log are handed the same objects', async () => {
  const store = storeWith({ chunkMs: 1 });
  const log = store.open(LEASE);

  const readings = [1, 2].map(async () => await all(store.follow(LEASE, undefined, deadline())));
  await setImmediate();
  write(log, 0, 100);
  await log.close();

  const [one = [], other = []] = await Promise.all(readings);
  expect(one[0]?.kind).toBe('lines');
  expect(one[0]).toBe(other[0]);
});

test.each([true, false])('a late reader gets a lag and the last lines (live: %s)', async (isLive) => {
  const store = storeWith({ chunkMs: 1, chunkBytes: 500, recentLines: 20, frameBytes: 300 });
  const log = store.open(LEASE);
  write(log, 0, 500);
  if (!isLive) {
    await log.close();
  }

  const reading = all(store.follow(LEASE, undefined, deadline()));
  await setImmediate();
  await log.close();

  const events = await reading;
  expect(events[0]).toMatchObject({ kind: 'lag' });
  expectNoHoles(events, 0, 500);
  expect(numbersOf(events).length).toBeGreaterThanOrEqual(20);
  expect(numbersOf(events).length).toBeLessThan(100);
});

test('a reader that resumes gets everything since its last line, from disk and from memory', async () => {
  const store = storeWith({ chunkMs: 1, chunkBytes: 500, recentLines: 20, frameBytes: 300 });
  const log = store.open(LEASE);
  write(log, 0, 500);

  const reading = all(store.follow(LEASE, 123, deadline()));
  await setImmediate();
  write(log, 500, 100);
  await log.close();

  const events = await reading;
  expect(lagsOf(events)).toEqual([]);
  expect(numbersOf(events)).toEqual(upTo(600, 123));
});

test('a reader that falls behind the ring gets a lag, the others do not notice', async () => {
  const store = storeWith({ chunkMs: 1, chunkBytes: 500, recentLines: 20, ringBytes: 4_000 });
  const log = store.open(LEASE);
  const quick = all(store.follow(LEASE, 0, deadline()));
  const slow = store.follow(LEASE, 0, deadline())[Symbol.asyncIterator]();

  write(log, 0, 10);
  const first = await slow.next();
  for (let at = 10; at < 2_000; at += 10) {
    write(log, at, 10);
    await setImmediate();
  }
  await log.close();

  const rest = await all({ [Symbol.asyncIterator]: () => slow });
  const slowEvents = first.done === true ? rest : [first.value, ...rest];
  expect(lagsOf(await quick)).toEqual([]);
  expect(numbersOf(await quick)).toEqual(upTo(2_000));
  expect(lagsOf(slowEvents)).toHaveLength(1);
  expectNoHoles(slowEvents, 0, 2_000);
  expect(slowEvents.at(-1)).toEqual({ kind: 'end' });
});

test('a reader whose signal aborts stops while the log is silent, without an end', async () => {
  const store = storeWith();
  const log = store.open(LEASE);
  const abort = new AbortController();

  const reading = all(store.follow(LEASE, undefined, abort.signal));
  await setImmediate();
  abort.abort();

  expect(await reading).toEqual([]);
  await log.close();
});

test('a log that does not exist ends at once', async () => {
  expect(await all(storeWith().follow(LEASE, undefined, deadline()))).toEqual([{ kind: 'end' }]);
});

type Move =
  | { readonly kind: 'write'; readonly count: number }
  | { readonly kind: 'follow'; readonly back: number | undefined; readonly pace: number }
  | { readonly kind: 'read'; readonly back: number }
  | { readonly kind: 'pause'; readonly turns: number };

const moves: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    kind: fc.constant('follow' as const),
    back: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
    pace: fc.integer({ min: 0, max: 8 }),
  }),
  fc.record({ kind: fc.constant('read' as const), back: fc.integer({ min: 0, max: 300 }) }),
  fc.record({ kind: fc.constant('pause' as const), turns: fc.integer({ min: 1, max: 20 }) }),
);

test('whoever comes whenever, and reads however slowly, no line is lost or doubled', async () => {
  let lease = 100;
  await fc.assert(
    fc.asyncProperty(
      fc.array(moves, { minLength: 1, maxLength: 25 }),
      fc.boolean(),
      async (steps, isLate) => {
        lease += 1;
        const id = toLease(lease);
        const store = storeWith({
          chunkMs: 0,
          chunkBytes: 700,
          recentLines: 30,
          ringBytes: 6_000,
          frameBytes: 400,
          frameMs: 1,
        });
        const log = store.open(id);
        const checks: Promise<void>[] = [];
        let written = 0;

        async function follow(from: number | undefined, pace: number): Promise<() => void> {
          const events: LogEvent[] = [];
          for await (const event of store.follow(id, from, deadline())) {
            events.push(event);
            for (let turn = 0; turn < pace; turn += 1) {
              await setImmediate();
            }
          }
          return () => {
            expectNoHoles(events, from ?? 0, written);
            expect(events.at(-1)).toEqual({ kind: 'end' });
          };
        }
        async function read(from: number, atLeast: number): Promise<void> {
          const lines: NumberedLine[] = [];
          for await (const batch of store.read(id, from)) {
            lines.push(...batch);
          }
          expect(lines.length).toBeGreaterThanOrEqual(atLeast - from);
          expect(lines.map(({ text }) => text)).toEqual(
            upTo(from + lines.length, from).map((at) => `line ${at}`),
          );
        }

        const followers: Promise<() => void>[] = [];
        for (const step of steps) {
          if (step.kind === 'write') {
            write(log, written, step.count);
            written += step.count;
          } else if (step.kind === 'follow') {
            const from = step.back === undefined ? undefined : Math.max(0, written - step.back);
            followers.push(follow(from, step.pace));
          } else if (step.kind === 'read') {
            checks.push(read(Math.max(0, written - step.back), written));
          } else {
            for (let turn = 0; turn < step.turns; turn += 1) {
              await setImmediate();
            }
          }
        }
        const closing = log.close();
        if (isLate) {
          followers.push(follow(undefined, 0), follow(0, 0));
        }
        await closing;
        followers.push(follow(undefined, 0), follow(0, 1));
        await Promise.all(checks);
        for (const check of await Promise.all(followers)) {
          check();
        }
      },
    ),
    { numRuns: 150 },
  );
});
