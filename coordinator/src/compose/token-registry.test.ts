import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { expect, test } from 'vitest';
import { createFakeTokenStore, createFakeTokens } from '../../test/fakes/fake-tokens.ts';
import { tokenSecrets } from '../adapters/tokens/token-secrets.ts';
import { createTokenRegistry } from './token-registry.ts';

const NOW = toEpochMs(1_800_000_000_000);
const REPOSITORY = { forge: 'here', slug: 'demo/sample' };

test('as many digests are compared for the first token as for the last, and for one that is none', async () => {
  const store = createFakeTokenStore();
  let compared = 0;
  const secrets = {
    ...tokenSecrets,
    isSame: (one: string, other: string): boolean => {
      compared += 1;
      return tokenSecrets.isSame(one, other);
    },
  };
  const { administration } = createFakeTokens({ ...systemClock, now: () => NOW }, store);
  const made: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    const wish = { name: `t${index}`, rights: ['read'], repositories: '**', validMs: null } as const;
    const verdict = await administration.create(wish);
    made.push(verdict.kind === 'done' ? verdict.token : '');
  }
  const registry = createTokenRegistry({ store, secrets, clock: systemClock, log: silentLogger });

  const counts = [made[0], made.at(-1), 'argx_none', ''].map((sent) => {
    compared = 0;
    registry.identify(sent ?? '');
    return compared;
  });

  expect(counts).toEqual([20, 20, 20, 20]);
});

test('a reader asks for its token once, however many rows are judged', async () => {
  const store = createFakeTokenStore();
  let digests = 0;
  const secrets = {
    ...tokenSecrets,
    digest: (token: string): string => {
      digests += 1;
      return tokenSecrets.digest(token);
    },
  };
  const { administration } = createFakeTokens(systemClock, store);
  const wish = { name: 'one', rights: ['read'], repositories: 'here/demo/*', validMs: null } as const;
  const made = await administration.create(wish);
  const registry = createTokenRegistry({ store, secrets, clock: systemClock, log: silentLogger });
  const reader = { bearer: made.kind === 'done' ? made.token : '' };

  const verdicts = Array.from({ length: 1_000 }, () => registry.mayRead(reader, REPOSITORY));

  expect([digests, new Set(verdicts)]).toEqual([1, new Set([true])]);
});

test('a reader that lasts loses its repositories with its token, also when the name is given to another', async () => {
  const { administration, registry } = createFakeTokens(systemClock);
  const wish = { name: 'one', rights: ['read'], repositories: '**', validMs: null } as const;
  const made = await administration.create(wish);
  const reader = { bearer: made.kind === 'done' ? made.token : '' };
  expect(registry.mayRead(reader, REPOSITORY)).toBe(true);

  await administration.revoke('one');
  expect(registry.mayRead(reader, REPOSITORY)).toBe(false);
  await administration.create(wish);

  expect(registry.mayRead(reader, REPOSITORY)).toBe(false);
});

test('that a token was used is stored once a minute', async () => {
  let now = NOW;
  let written = 0;
  const store = createFakeTokenStore();
  const counted = {
    ...store,
    used: (digest: string, at: typeof NOW): Promise<void> => {
      written += 1;
      return store.used(digest, at);
    },
  };
  const { administration, registry } = createFakeTokens({ ...systemClock, now: () => now }, counted);
  const made = await administration.create({
    name: 'one',
    rights: ['read'],
    repositories: '**',
    validMs: null,
  });
  const sent = made.kind === 'done' ? made.token : '';

  for (const afterMs of [0, 1, 59_999, 60_000, 60_001]) {
    now = toEpochMs(NOW + afterMs);
    registry.identify(sent);
  }

  expect(written).toBe(2);
  expect(administration.all()[0]?.lastUsedAt).toBe(NOW + 60_000);
});

test('a token is 256 random bits behind its prefix, and nothing that is kept tells of it', async () => {
  const store = createFakeTokenStore();
  const { administration } = createFakeTokens(systemClock, store);
  const made = await administration.create({
    name: 'one',
    rights: ['read'],
    repositories: '**',
    validMs: null,
  });
  const sent = made.kind === 'done' ? made.token : '';

  expect(sent).toMatch(/^argx_[\w-]{43}$/);
  expect(Buffer.from(sent.slice('argx_'.length), 'base64url')).toHaveLength(32);
  expect(JSON.stringify(store.all())).not.toContain(sent.slice(5));
});
