/** What the forge tells of while its repository is looked at is newer than what is seen. */
import type { GitRef } from '@argunix/shared/domain/git-ref';
import { silentLogger } from '@argunix/shared/kit/logger';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeCheckout } from '../../test/fakes/fake-evaluator.ts';
import { type ForgeStores, openForgeStores } from '../../test/forge-fixture.ts';
import { MAIN, queued, sha } from '../../test/store-fixture.ts';
import type { Head } from '../ports/repository-store.ts';
import { type Look, lookAtRepository } from './look-at-repository.ts';

const NEXT = 'refs/heads/next' as GitRef;

let stores: ForgeStores;
beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  await stores.database.write(
    ['deliveries', 'heads', 'evaluations'].map((table) => ({ sql: `delete from ${table}`, parameters: [] })),
  );
});

async function look(
  heads: readonly Head[],
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Look> {
  const checkout = createFakeCheckout();
  const { repository, clock } = stores;
  return await lookAtRepository(
    {
      ...stores,
      checkout: {
        ...checkout,
        look: async () => {
          await meanwhile();
          return { heads, defaultBranch: MAIN };
        },
      },
      changes: createFakeChanges(),
      clock,
      log: silentLogger,
      retryMs: 1,
    },
    {
      repository,
      source: {
        repositoryId: repository.id,
        url: 'https://forge.test/demo/sample.git',
        credential: null,
        fetchable: [],
      },
      pollMs: 60_000,
      isWatched: () => true,
    },
    new AbortController().signal,
  );
}
const told = (digit: string, ref = MAIN) => queued(stores, digit, { ref, origin: 'hook' });
const heads = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    stores.repositories.heads(stores.repository.id).map((head) => [head.ref, head.sha.charAt(0)]),
  );

// The head of before was delivered as if it were newer than the one that was told.
test('a push that is told while heads are read is not undone by the head of before', async () => {
  await told('1');

  expect(await look([{ ref: MAIN, sha: sha('1') }], () => told('2'))).toMatchObject({ pushed: 0, gone: [] });

  expect(heads()).toEqual({ [MAIN]: '2' });
  expect(stores.deliveries.pending()).toEqual([]);
});

// The branch was taken for deleted, and its work cancelled.
test('a branch that is told of while heads are read is not taken for gone', async () => {
  await told('1');

  expect(await look([{ ref: MAIN, sha: sha('1') }], () => told('2', NEXT))).toMatchObject({
    pushed: 0,
    gone: [],
  });

  expect(heads()).toEqual({ [MAIN]: '1', [NEXT]: '2' });
});

test('what moved without a word is delivered all the same', async () => {
  await told('1');
  await told('3', NEXT);

  const looked = await look([
    { ref: MAIN, sha: sha('1') },
    { ref: NEXT, sha: sha('4') },
  ]);

  expect(looked).toMatchObject({ pushed: 1, gone: [] });
  expect(stores.deliveries.pending()).toMatchObject([{ ref: NEXT, sha: sha('4') }]);
});
