import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFakeForge, type FakeForge, TROUBLES } from '../../test/fakes/fake-forge.ts';
import { type ForgeStores, type KeptLog, keptLog, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { queued, sha } from '../../test/store-fixture.ts';
import type { MergeResult } from '../ports/forge.ts';
import type { Source } from '../ports/source-checkout.ts';
import { isMergeOpen, resolveMerge } from './resolve-merge.ts';

const MERGE: MergeResult = { kind: 'merge', sha: sha('e'), ref: 'refs/pull/7/merge' };
const HEAD_REF = 'refs/pull/7/head' as GitRef;

let stores: ForgeStores;
let fake: FakeForge;
let log: KeptLog;
let id: EvaluationId;
let stopping: AbortController;
/** What git finds at the ref of the merge, where its parent is the head. */
let fetched: () => Promise<Sha | undefined>;
let hasForge = true;
const health = { pause: undefined, suspect: () => Promise.resolve() };

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  fake = createFakeForge();
  log = keptLog();
  stopping = new AbortController();
  hasForge = true;
  fetched = () => Promise.resolve(sha('e'));
  id = await queued(stores, 'a', { prNumber: 7 });
});
afterEach(() => stopping.abort());

function resolve(): Promise<void> {
  const evaluation = stores.evaluations.find(id);
  if (evaluation === undefined) {
    throw new Error('the evaluation is gone');
  }
  return resolveMerge(
    {
      ...stores,
      log,
      retryMs: 1_000,
      checkout: { fetchMerge: () => fetched() },
      forgeOf: () => (hasForge ? { forge: fake.forge, slug: SLUG, health } : undefined),
    },
    evaluation,
    {} as Source,
    stopping.signal,
  );
}
async function resolved(ms: number): Promise<void> {
  const resolving = resolve();
  await stores.clock.advance(ms);
  await resolving;
}
const built = () => {
  const { builtSha, builtRef } = stores.evaluations.find(id) ?? {};
  return { builtSha, builtRef };
};
const HEAD = { builtSha: sha('a'), builtRef: HEAD_REF };
const asked = (): number => fake.asked.get('mergeResult') ?? 0;

test('the merge is built where the forge has one of this head', async () => {
  fake.merge = MERGE;

  await resolved(0);

  expect(built()).toEqual({ builtSha: sha('e'), builtRef: 'refs/pull/7/merge' });
  const evaluation = stores.evaluations.find(id);
  expect(evaluation === undefined || isMergeOpen(evaluation)).toBe(false);
  expect(evaluation?.sha).toBe(sha('a'));
});

test('the merge is waited for while the forge works it out', async () => {
  fake.merge = { kind: 'later' };
  const resolving = resolve();
  await stores.clock.advance(3_500);
  fake.merge = MERGE;

  await stores.clock.advance(4_000);

  await resolving;
  expect(built().builtSha).toBe(sha('e'));
});

test.each([
  ['the forge has none', { kind: 'none', reason: 'It conflicts.' }, 0, 1],
  ['the forge does not come to an end with it', { kind: 'later' }, 16_000, 5],
] satisfies readonly (readonly [string, MergeResult, number, number])[])(
  'the head is built where %s',
  async (_, merge, ms, questions) => {
    fake.merge = merge;

    await resolved(ms);

    expect([built(), asked()]).toEqual([HEAD, questions]);
  },
);

test('the head is built where the parent of the merge is another one, for that was approved by nobody', async () => {
  fake.merge = MERGE;
  fetched = () => Promise.resolve(undefined);

  await resolved(16_000);

  expect(built()).toEqual(HEAD);
});

test.each(TROUBLES)('the head is built where the forge answers with %s', async (trouble) => {
  fake.mood = () => trouble;

  await resolved(16_000);

  expect(built()).toEqual(HEAD);
  expect(asked()).toBeLessThanOrEqual(5);
});

// It waited for as long as the forge did.
test('the head is built where the forge does not answer at all', async () => {
  fake.mood = () => 'hang';

  await resolved(121_000);

  expect([built(), asked()]).toEqual([HEAD, 1]);
});

// It began anew at once, without end.
test('the head is built where a mistake of ours comes in between', async () => {
  fake.merge = MERGE;
  fetched = () => Promise.reject(new TypeError('a bug'));

  await resolved(0);

  expect([built(), asked()]).toEqual([HEAD, 1]);
  expect(log.said('error')).toHaveLength(1);
});

test('the head is built where the name of the merge is none that git takes', async () => {
  fake.merge = { ...MERGE, ref: 'refs/pull/7/../merge' };

  await resolved(16_000);

  expect(built()).toEqual(HEAD);
});

test('nothing is kept of one that was cancelled meanwhile, and nobody waits', async () => {
  fake.mood = () => 'hang';
  const resolving = resolve();
  await stores.clock.advance(10);

  stopping.abort();

  await expect(resolving).rejects.toMatchObject({ name: 'AbortError' });
  expect(built()).toEqual({ builtSha: sha('a'), builtRef: null });
});

test('the base branch names where to look for a repository whose forge is gone', async () => {
  hasForge = false;

  await resolved(0);

  expect([built().builtSha, asked()]).toEqual([sha('a'), 0]);
});
