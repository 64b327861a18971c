import { readdirSync, readFileSync } from 'node:fs';
import { parseDerivationPath } from '@argunix/shared/domain/store-path';
import { until } from '@argunix/shared/kit/testing/until';
import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import { createPrivateStore } from '@argunix/shared/nix/testing/private-store';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, expect, test } from 'vitest';
import { type ClosableStoreReader, createStoreReader } from './store-reader.ts';

const GONE = '/nix/store/00000000000000000000000000000000-gone';
const open: ClosableStoreReader[] = [];

function readerFor(env: Readonly<Record<string, string>>, idleMs = 10_000): ClosableStoreReader {
  const reader = createStoreReader({ env, derivations: createDerivationReader(), idleMs });
  open.push(reader);
  return reader;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((reader) => reader.close()));
});

/** The serve processes that ask this store. */
function servers(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--serve') &&
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(word)
        );
      } catch {
        // It ended since the directory was listed.
        return false;
      }
    });
}

test('of many paths the valid ones are told, in one process, whoever asks at the same time', async () => {
  const store = await createPrivateStore();
  const here = await store.add('here', 'here');
  const reader = readerFor(store.env);
  const many = Array.from(
    { length: 12_000 },
    (_, at) => `/nix/store/${String(at).padStart(32, '0')}-none-${at}`,
  );

  const answers = await Promise.all([
    reader.validPaths([...many, here]),
    reader.validPaths([here, here]),
    reader.validPaths([]),
    reader.validPaths([GONE]),
  ]);

  expect(answers.map((answer) => [...answer])).toEqual([[here], [here], [], []]);
  expect(servers(store.dir)).toHaveLength(1);
  await store.remove();
});

test('what was asked for is held from the collector until the process is idle, even before it is valid', async () => {
  const store = await createPrivateStore();
  const reader = readerFor(store.env);
  const path = await store.add('held', 'held');
  await reader.validPaths([path]);

  await store.collect();
  expect(await store.isValid(path)).toBe(true);

  await reader.close();
  await store.collect();
  expect(await store.isValid(path)).toBe(false);
  await store.remove();
});

test('an idle process ends, a killed one is replaced', async () => {
  const store = await createPrivateStore();
  const here = await store.add('here', 'here');
  const reader = readerFor(store.env, 200);
  await reader.validPaths([here]);
  await until(() => servers(store.dir).length === 0);

  expect([...(await reader.validPaths([here]))]).toEqual([here]);
  const [server] = servers(store.dir);
  process.kill(server ?? Number.NaN, 'SIGKILL');

  expect([...(await reader.validPaths([here]))]).toEqual([here]);
  await store.remove();
});

test('a Nix that cannot answer is said with its own words', async () => {
  const reader = readerFor({ PATH: process.env['PATH'] ?? '', NIX_REMOTE: 'no-such-scheme://x' });

  await expect(reader.validPaths([GONE])).rejects.toThrow(/nix-store --serve.*no-such-scheme/s);
});

test('a derivation tells what it needs directly; one that is gone needs nothing', async () => {
  const [nix] = installedNixes();
  const drvs =
    nix === undefined
      ? {}
      : await instantiate(
          nix,
          `a = build "a" "echo > $out" {}; b = build "b" "echo > $out" { inherit a; }; c = build "c" "echo > $out" { x = [ a b ]; };`,
        );
  const { a, b, c } = drvs;
  const gone = parseDerivationPath(`${GONE}.drv`);
  if (a === undefined || b === undefined || c === undefined || gone === undefined) {
    throw new Error('the derivations could not be made');
  }
  const reader = readerFor({});

  expect(await reader.inputDerivations(a)).toEqual([]);
  expect(await reader.inputDerivations(b)).toEqual([a]);
  expect((await reader.inputDerivations(c)).toSorted()).toEqual([a, b].toSorted());
  expect(await reader.inputDerivations(gone)).toEqual([]);
});
