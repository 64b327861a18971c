/** The store of tokens and the fake that other tests use keep the same promises. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeTokenStore } from '../../../test/fakes/fake-tokens.ts';
import { AT, openStores } from '../../../test/store-fixture.ts';
import type { TokenStore } from '../../ports/token-store.ts';
import { createTokenStore } from './token-store.ts';

const LATER = toEpochMs(AT + 1_000);

function token(name: string, digest: string, expiresAt: typeof AT | null = null) {
  return { name, digest, rights: ['read', 'trigger'], repositories: 'here/**', expiresAt } as const;
}

describe.each(['sqlite', 'fake'])('%s', (kind) => {
  let store: TokenStore;
  let close: () => Promise<void>;
  beforeEach(async () => {
    const stores = kind === 'sqlite' ? await openStores() : undefined;
    store = stores === undefined ? createFakeTokenStore() : createTokenStore(stores.database);
    close = async () => await stores?.close();
  });
  afterEach(async () => {
    await close();
  });

  test('what was made comes back, in the order of names', async () => {
    expect(await store.create(token('b', 'bb'), AT)).toBe(true);
    expect(await store.create(token('a', 'aa', LATER), AT)).toBe(true);

    expect(store.all()).toEqual([
      { ...token('a', 'aa', LATER), createdAt: AT, lastUsedAt: null, revokedAt: null },
      { ...token('b', 'bb'), createdAt: AT, lastUsedAt: null, revokedAt: null },
    ]);
  });

  test('a name is taken while its token works, and free when it was revoked or has expired', async () => {
    await store.create(token('a', 'a1'), AT);
    await store.create(token('b', 'b1', LATER), AT);
    expect(await store.create(token('a', 'a2'), AT)).toBe(false);
    expect(await store.create(token('b', 'b2'), AT)).toBe(false);

    await store.revoke('a', AT);

    expect(await store.create(token('a', 'a3'), AT)).toBe(true);
    expect(await store.create(token('b', 'b3'), LATER)).toBe(true);
    expect(store.all().map(({ digest, revokedAt }) => [digest, revokedAt])).toEqual([
      ['a3', null],
      ['b3', null],
    ]);
  });

  test('a token is revoked once', async () => {
    await store.create(token('a', 'aa'), AT);

    expect([
      await store.revoke('a', AT),
      await store.revoke('a', LATER),
      await store.revoke('x', AT),
    ]).toEqual([true, false, false]);
    expect(store.all()[0]?.revokedAt).toBe(AT);
  });

  test('when a token was used is kept by its digest', async () => {
    await store.create(token('a', 'aa'), AT);

    await store.used('aa', LATER);
    await store.used('zz', LATER);

    expect(store.all()[0]?.lastUsedAt).toBe(LATER);
  });
});
