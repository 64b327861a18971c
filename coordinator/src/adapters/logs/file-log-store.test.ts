import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '@argunix/shared/kit/logger';
import { outputOf } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { LiveTail, LogStore, NumberedLine } from '../../ports/log-store.ts';
import { createFileLogStore } from './file-log-store.ts';
import { toLease } from './fixtures/lease.ts';
import type { LogLimits } from './log-limits.ts';

const Told = z.object({
  stored: z.array(z.string()),
  live: z.array(z.string()),
  errors: z.array(z.string()),
});
const LEASE = toLease(1042);
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'argunix-logs-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function storeWith(limits: Partial<LogLimits> = {}): LogStore & LiveTail {
  return createFileLogStore({ dir, logger: silentLogger, limits });
}

function line(text: string): { derivation: string; phase: string; text: string } {
  return { derivation: 'hello-1.0', phase: 'buildPhase', text };
}

async function textsOf(store: LogStore, from = 0): Promise<string[]> {
  return (await linesOf(store, from)).map(({ text }) => text);
}

async function linesOf(store: LogStore, from = 0): Promise<NumberedLine[]> {
  const lines: NumberedLine[] = [];
  for await (const batch of store.read(LEASE, from)) {
    lines.push(...batch);
  }
  return lines;
}

async function zstdOutput(): Promise<string> {
  return await outputOf({
    command: 'zstd',
    args: ['-dc', '--', pathOfLog()],
    env: { PATH: process.env['PATH'] },
    deadlineMs: 20_000,
  });
}

function pathOfLog(): string {
  return join(dir, '1', '1042.log.zst');
}

test('a closed log reads back with time, derivation, phase and text of each line', async () => {
  const store = storeWith();
  const log = store.open(LEASE);

  log.append([line('first'), { derivation: '', phase: '', text: 'of Nix itself' }]);
  await log.close();

  expect(await linesOf(store)).toMatchObject([
    { number: 0, derivation: 'hello-1.0', phase: 'buildPhase', text: 'first' },
    { number: 1, derivation: '', phase: '', text: 'of Nix itself' },
  ]);
  expect(store.isLive(LEASE)).toBe(false);
});

test('lines can be read before they reach the disk', async () => {
  const store = storeWith({ frameMs: 60_000 });
  const log = store.open(LEASE);

  log.append([line('a'), line('b')]);

  expect(await textsOf(store, 1)).toEqual(['b']);
  await log.close();
});

test('zstd prints a log while it is written and when it is closed', async () => {
  const store = storeWith({ frameBytes: 200 });
  const log = store.open(LEASE);
  const texts = Array.from({ length: 100 }, (_, at) => `line ${at}`);

  log.append(texts.slice(0, 50).map(line));
  await expect
    .poll(async () => await zstdOutput().catch(() => ''))
    .toContain('\thello-1.0\tbuildPhase\tline 40\n');
  log.append(texts.slice(50).map(line));
  await log.close();

  const printed = (await zstdOutput()).trimEnd().split('\n');
  expect(printed.map((stored) => stored.split('\t').at(3))).toEqual(texts);
});

test('only the coordinator may read the files', async () => {
  chmodSync(dir, 0o755);
  const store = storeWith();
  const log = store.open(LEASE);
  log.append([line('secret')]);
  await log.close();

  expect(statSync(pathOfLog()).mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, '1')).mode & 0o777).toBe(0o700);
});

test('a log without lines leaves no file', async () => {
  const store = storeWith();
  await store.open(LEASE).close();

  expect(statSync(pathOfLog(), { throwIfNoEntry: false })).toBeUndefined();
  expect(await store.lineCount(LEASE)).toBe(0);
  expect(await textsOf(store)).toEqual([]);
});

test('hostile text comes back as it came, on one line', async () => {
  const texts = [
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    'nul \0 byte',
    '</script><script>alert(1)</script>',
    '10%\r20%\r100%',
    'tab\tand\ttab',
    'broken \ufffd utf-8',
    '\u2028 \ufeff \u{1f600}',
    '',
  ];
  const store = storeWith();
  const log = store.open(LEASE);
  log.append(texts.map(line));
  log.append([line('two\nlines'), line('lone \ud800 surrogate')]);
  log.append([{ derivation: 'a\tb\nc', phase: '\u001b[31m', text: 'names' }]);
  await log.close();

  const lines = await linesOf(store);
  expect(lines.map(({ text }) => text)).toEqual([
    ...texts,
    'two\u240alines',
    'lone \ufffd surrogate',
    'names',
  ]);
  expect(lines.at(-1)).toMatchObject({ derivation: 'a b c', phase: ' [31m' });
});

test('a log over its cap keeps its head and its end, and says how much is missing', async () => {
  const store = storeWith({ maxBytes: 10_000, tailBytes: 2_000, frameBytes: 500 });
  const log = store.open(LEASE);
  for (let at = 0; at < 5_000; at += 1) {
    log.append([line(`line ${at}`)]);
  }
  await log.close();

  const lines = await linesOf(store);
  const notice = lines.findIndex(({ text }) => text.startsWith('argunix: '));
  const after = lines[notice + 1];
  const leftOut = (after?.number ?? 0) - notice;
  expect(lines[notice]?.text).toContain(`argunix: ${leftOut} lines were left out here (`);
  expect(lines[notice]?.number).toBe((after?.number ?? 0) - 1);
  expect(lines.slice(0, notice).map(({ number }) => number)).toEqual([...Array(notice).keys()]);
  expect(lines.at(-1)).toMatchObject({ number: 4_999, text: 'line 4999' });
  expect(lines.slice(notice + 1).map(({ text }) => text)).toEqual(
    Array.from({ length: 5_000 - (after?.number ?? 0) }, (_, at) => `line ${(after?.number ?? 0) + at}`),
  );
});

test('the end of a log over its cap can be read while it is written', async () => {
  const store = storeWith({ maxBytes: 1_000, tailBytes: 1_000, frameBytes: 100 });
  const log = store.open(LEASE);
  log.append(Array.from({ length: 500 }, (_, at) => line(`line ${at}`)));

  const live = await textsOf(store);
  await log.close();

  expect(live.filter((text) => text.startsWith('argunix: '))).toHaveLength(1);
  expect(live.slice(-3)).toEqual(['line 497', 'line 498', 'line 499']);
  expect(await textsOf(store)).toEqual(live);
});

test('output without a newline costs a bounded log and bounded memory', async () => {
  const store = storeWith({ maxBytes: 200_000, tailBytes: 20_000, frameBytes: 10_000, queueBytes: 100_000 });
  const log = store.open(LEASE);
  const piece = 'x'.repeat(65_536);
  for (let written = 0; written < 200 * piece.length; written += piece.length) {
    log.append([line(piece)]);
  }
  log.append([line('the end')]);

  const { heapUsed } = process.memoryUsage();
  await log.close();

  expect(heapUsed).toBeLessThan(200 * 1024 * 1024);
  const lines = await linesOf(store);
  expect(lines.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(400_000);
  expect(lines.at(-1)).toMatchObject({ number: 200, text: 'the end' });
});

test('a text over 64 Ki characters becomes several lines and loses nothing', async () => {
  const store = storeWith();
  const log = store.open(LEASE);
  const text = '\u{1f600}'.repeat(100_000);
  log.append([line(`x${text}`)]);
  await log.close();

  const texts = await textsOf(store);
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.join('')).toBe(`x${text}`);
});

test('the last lines of a long log are read without the frames before them', async () => {
  const store = storeWith({ frameBytes: 20_000 });
  const log = store.open(LEASE);
  for (let at = 0; at < 20_000; at += 1) {
    log.append([line(`line ${at}`)]);
  }
  await log.close();
  // The first half is destroyed: whoever reads it fails.
  writeFileSync(pathOfLog(), Buffer.alloc(Math.floor(statSync(pathOfLog()).size / 2)), { flag: 'r+' });

  const fresh = storeWith();
  expect(await fresh.lineCount(LEASE)).toBe(20_000);
  expect(await textsOf(fresh, 19_998)).toEqual(['line 19998', 'line 19999']);
});

test('a writer that is killed leaves every whole frame, and its log goes on', async () => {
  const writer = spawn(
    process.execPath,
    [
      '--conditions=source',
      fileURLToPath(new URL('./fixtures/endless-writer.ts', import.meta.url)),
      dir,
      String(LEASE),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await expect
    .poll(() => statSync(pathOfLog(), { throwIfNoEntry: false })?.size ?? 0, { timeout: 15_000 })
    .toBeGreaterThan(20_000);
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  truncateSync(pathOfLog(), statSync(pathOfLog()).size - 5); // as torn as a frame can be

  const left = await linesOf(storeWith());
  const store = storeWith();
  const log = store.open(LEASE);
  log.append([line('after the crash')]);
  await log.close();

  expect(left.length).toBeGreaterThan(100);
  expect(left.map(({ text }) => text)).toEqual(left.map((_, at) => `line ${at}`));
  expect(await linesOf(store)).toMatchObject([...left, { number: left.length, text: 'after the crash' }]);
  expect((await zstdOutput()).split('\n').length - 1).toBe(left.length + 1);
});

test('a frame that was never written but in length is cut off when the log goes on', async () => {
  const store = storeWith({ frameBytes: 100 });
  const log = store.open(LEASE);
  log.append(Array.from({ length: 10 }, (_, at) => line(`line ${at}`)));
  await log.close();
  const { size } = statSync(pathOfLog());
  writeFileSync(pathOfLog(), Buffer.alloc(12), { flag: 'r+', flush: true });
  truncateSync(pathOfLog(), 0);
  truncateSync(pathOfLog(), size);

  const again = storeWith();
  const next = again.open(LEASE);
  next.append([line('anew')]);
  await next.close();

  expect(await textsOf(again)).toEqual(['anew']);
});

test('a removed log is gone', async () => {
  const store = storeWith();
  const log = store.open(LEASE);
  log.append([line('a')]);
  await log.close();
  expect(await textsOf(store)).toEqual(['a']);

  await store.remove([LEASE, toLease(77)]);

  expect(await textsOf(store)).toEqual([]);
  expect(await store.lineCount(LEASE)).toBe(0);
});

test('a disk that is full for a while costs lines, says so, and neither harms nor ends the writer', async () => {
  const printed = await outputOf({
    command: 'unshare',
    args: [
      '--mount',
      '--map-root-user',
      '--',
      'sh',
      '-c',
      'mount -t tmpfs -o size=64k none "$1" && exec "$2" --conditions=source "$3" "$1"',
      'sh',
      dir,
      process.execPath,
      fileURLToPath(new URL('./fixtures/full-disk.ts', import.meta.url)),
    ],
    env: { PATH: process.env['PATH'] },
    deadlineMs: 25_000,
  });

  const { stored, live, errors } = Told.parse(JSON.parse(printed));
  expect(stored[0]).toBe('before');
  expect(stored.at(-1)).toBe('after');
  expect(stored.join('\n')).toMatch(/argunix: \d+ lines? (?:was|were) left out here \(\d+ bytes\): ENOSPC/);
  expect(live.join('\n')).toContain('argunix: this log cannot be stored (ENOSPC');
  expect(live).toContain('while full');
  expect(errors).toHaveLength(1);
});
