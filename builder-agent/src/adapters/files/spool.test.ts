import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toLeaseId } from '@argunix/shared/domain/ids';
import { parseDerivationPath } from '@argunix/shared/domain/store-path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLeaseDirectory } from './lease-files.ts';
import { createSpoolFile } from './spool-file.ts';
import { streamSpool } from './stream-spool.ts';

const never = new AbortController().signal;
let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spool-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

function line(text: string): { derivation: string; phase: string; text: string } {
  return { derivation: 'd', phase: '', text };
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<readonly string[]> {
  let text = '';
  for await (const piece of stream) {
    text += piece.toString();
  }
  return text.trimEnd().split('\n');
}

test('a reader follows from its line to the end, whenever it came', async () => {
  const spool = createSpoolFile(join(dir, 'log'));
  const early = readAll(streamSpool(spool, 0, never));
  spool.append([line('one'), line('two')]);
  const middle = readAll(streamSpool(spool, 1, never));
  spool.append([line('three')]);

  expect(await spool.close()).toBe(3);

  const all = ['["d","","one"]', '["d","","two"]', '["d","","three"]', '{"end":3}'];
  expect(await early).toEqual(all);
  expect(await middle).toEqual(all.slice(1));
  expect(await readAll(streamSpool(spool, 2, never))).toEqual(all.slice(2));
  expect(await readAll(streamSpool(spool, 9, never))).toEqual(all.slice(3));
});

test('a build that wrote nothing has a log of no lines, and no file', async () => {
  const spool = createSpoolFile(join(dir, 'log'));
  await spool.close();

  expect(await readAll(streamSpool(spool, 0, never))).toEqual(['{"end":0}']);
  await expect(readFile(join(dir, 'log'))).rejects.toThrow('ENOENT');
});

test('what comes faster than it is written asks for room, and gets it', async () => {
  const spool = createSpoolFile(join(dir, 'log'));
  expect(spool.room()).toBeUndefined();

  spool.append([line('x'.repeat(9 * 1024 * 1024))]);

  await spool.room();
  expect(spool.room()).toBeUndefined();
  await spool.close();
});

test('a log that cannot be written says so once, and still ends', async () => {
  const spool = createSpoolFile(join(dir, 'missing', 'log'));
  let told = 0;
  spool.onTrouble(() => {
    told += 1;
  });
  spool.append([line('one')]);

  expect(await spool.close()).toBe(0);
  expect(spool.trouble).toContain('ENOENT');
  expect(told).toBe(1);
  expect(await readAll(streamSpool(spool, 0, never))).toEqual(['{"end":0}']);
});

test('after a crash, whole lines are kept, and a lease without a request is not', async () => {
  const drvPath = parseDerivationPath('/nix/store/00000000000000000000000000000000-x.drv');
  if (drvPath === undefined) {
    throw new Error('no path');
  }
  const files = createLeaseDirectory(join(dir, 'leases'));
  const requests = [1, 2, 3].map((id) => ({ leaseId: toLeaseId(id), drvPath, inputsOwner: `inputs-${id}` }));
  for (const request of requests) {
    await files.create(request);
  }
  await writeFile(join(dir, 'leases/1/log.ndjson'), '["d","","one"]\n["d","","cut o');
  await files.writeEnd(toLeaseId(2), { ending: { kind: 'built' }, logLines: 0, at: toEpochMs(5) });
  await writeFile(join(dir, 'leases/3/request.json'), '{"lea');

  const again = createLeaseDirectory(join(dir, 'leases'));
  const kept = await again.readAll();

  expect(kept.map(({ request, end, logLines }) => [request.leaseId, end?.ending.kind, logLines])).toEqual([
    [1, undefined, 1],
    [2, 'built', 0],
  ]);
  const spool = again.spool(toLeaseId(1));
  expect(spool && (await readAll(streamSpool(spool, 0, never)))).toEqual(['["d","","one"]', '{"end":1}']);
});
