import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { AppError } from '@argunix/shared/kit/app-error';
import { Secret } from '@argunix/shared/kit/secret';
import { array, assert, asyncProperty, constantFrom, string, uint8Array } from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startHttpServer } from '../../test/fakes/http-server.ts';
import { type ForgeStores, openForgeStores, SLUG } from '../../test/forge-fixture.ts';
import { giteaDialect } from '../adapters/forge/gitea/gitea-dialect.ts';
import type { DeliveryDoor, RawDelivery } from '../ports/delivery-door.ts';
import type { DeliveryReader } from '../ports/delivery-reader.ts';
import type { DeliveryDialect } from '../ports/forge-deliveries.ts';
import type { KeptHook } from '../ports/hook-store.ts';
import { readDelivery } from './read-delivery.ts';
import { createDeliveryDoor } from './receive-delivery.ts';

let stores: ForgeStores;
let door: DeliveryDoor;
let hooks: KeptHook[] = [];
let appHook: KeptHook | undefined;
let doubted: string[] = [];
let heard: string[] = [];
let stored = 0;
let installations = 0;
let takesSecretBefore = false;
/** The forge writes it as it likes. */
const OTHER = 'demo/other';
const OTHER_ID = 4711 as RepositoryId;

beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});
beforeEach(async () => {
  await stores.database.write([{ sql: 'delete from deliveries', parameters: [] }]);
  stores.database.failWith(undefined);
  hooks = [
    hook('of-sample', stores.repository.id),
    hook('of-other', OTHER_ID),
    hook('elsewhere', 99 as RepositoryId, 'elsewhere'),
  ];
  appHook = undefined;
  doubted = [];
  heard = [];
  stored = 0;
  installations = 0;
  takesSecretBefore = false;
  door = createDeliveryDoor({
    deliveries: stores.deliveries,
    reader: readerOf(giteaDialect),
    secrets: { secretOf: ({ id, generation }) => new Secret(secretOf(id, generation)) },
    clock: stores.clock,
    forgeOf: (name) =>
      name === 'forge' || name === 'elsewhere'
        ? {
            name,
            kind: 'forgejo',
            repositoryOf: (slug) =>
              new Map<string, RepositoryId>([
                [SLUG, stores.repository.id],
                [OTHER, OTHER_ID],
              ]).get(slug.toLowerCase()),
          }
        : undefined,
    hookNamed: (id) => hooks.find((one) => one.id === id),
    hookOf: (id) => hooks.find((one) => one.repositoryId === id),
    appHookOf: () => appHook,
    takesSecretBefore: () => takesSecretBefore,
    wishesOf: () => ({ isWatched: (ref) => ref === 'refs/heads/main', buildsRequests: true }),
    onStored: () => void (stored += 1),
    onHeard: ({ id }) => void heard.push(id),
    onDoubt: ({ id }) => void doubted.push(id),
    onInstallations: () => void (installations += 1),
  });
});

/** Without its thread. */
function readerOf(dialect: DeliveryDialect): DeliveryReader {
  return {
    read: async (signed) => await Promise.resolve(readDelivery(dialect, signed)),
    peekSlug: async (_kind, body) => await Promise.resolve(dialect.peekSlug(body)),
  };
}

function hook(
  id: string,
  repositoryId: RepositoryId | null,
  forge = 'forge',
  some: Partial<KeptHook> = {},
): KeptHook {
  return {
    id,
    forge,
    repositoryId,
    generation: 1,
    forgeId: '1',
    url: null,
    trouble: null,
    checkedAt: stores.clock.now(),
    deliveredAt: null,
    ...some,
  };
}
function secretOf(id: string, generation = 1): string {
  return `secret of ${id} ${generation}`;
}
function push(slug: string = SLUG, after = 'a'.repeat(40)): string {
  return JSON.stringify({
    ref: 'refs/heads/main',
    before: 'b'.repeat(40),
    after,
    head_commit: null,
    repository: {
      id: 1,
      full_name: slug,
      private: false,
      default_branch: 'main',
      name: 'x',
      owner: { login: 'demo' },
    },
  });
}
interface Sent {
  readonly hook?: string | null;
  readonly forge?: string;
  readonly secret?: string | null;
  readonly event?: string;
  readonly uid?: string;
}
function delivery(body: string | Buffer, sent: Sent = {}): RawDelivery {
  const {
    hook: id = 'of-sample',
    forge = 'forge',
    secret = secretOf('of-sample'),
    event = 'push',
    uid = 'u1',
  } = sent;
  const bytes = Buffer.from(body);
  const signature = secret === null ? undefined : createHmac('sha256', secret).update(bytes).digest('hex');
  return {
    forge,
    hook: id,
    headers: { 'x-gitea-event': event, 'x-gitea-delivery': uid, 'x-gitea-signature': signature },
    body: bytes,
  };
}
const inbox = (): number => stores.deliveries.pending().length;
const refused = async (raw: RawDelivery): Promise<unknown> => {
  try {
    return await door(raw);
  } catch (error) {
    return error instanceof AppError ? error.code : error;
  }
};

describe('a delivery with a good signature', () => {
  test('stands in the inbox before it is answered, once', async () => {
    expect(await door(delivery(push()))).toEqual({ kind: 'accepted' });
    expect(stores.deliveries.pending()).toMatchObject([
      { kind: 'push', origin: 'hook', uid: 'u1', ref: 'refs/heads/main', repositoryId: stores.repository.id },
    ]);
    expect(await door(delivery(push()))).toEqual({ kind: 'known' });
    expect([inbox(), stored, heard]).toEqual([1, 1, ['of-sample', 'of-sample']]);
  });

  test('may write the name of its repository in another case', async () => {
    expect(await door(delivery(push('Demo/SAMPLE')))).toEqual({ kind: 'accepted' });
  });

  test('of an event that we do not need is answered well, and stored nowhere', async () => {
    expect(await door(delivery(push(), { event: 'issues' }))).toMatchObject({ kind: 'ignored' });
    expect(inbox()).toBe(0);
  });

  test('of a branch that nobody watches is settled as it is stored, and known when it comes again', async () => {
    const unwatched = push().replace('refs/heads/main', 'refs/heads/topic');

    expect(await door(delivery(unwatched))).toMatchObject({ kind: 'ignored' });

    expect(await door(delivery(unwatched))).toEqual({ kind: 'known' });
    expect([inbox(), stored]).toEqual([0, 0]);
  });

  test('that says a ref is gone stands there as that', async () => {
    await door(delivery(push(SLUG, '0'.repeat(40))));

    expect(stores.deliveries.pending()).toMatchObject([{ kind: 'deleted', ref: 'refs/heads/main' }]);
  });
});

describe('nothing is there', () => {
  test.each([
    ['for a forge that is not configured', { forge: 'nowhere' }],
    ['for an id that nobody has', { hook: 'nobody' }],
    ['under another forge than that of the hook', { hook: 'elsewhere', secret: secretOf('elsewhere') }],
    ['under the forge of another hook', { forge: 'elsewhere' }],
    ['for a repository that is not that of the address', { hook: 'of-other', secret: secretOf('of-other') }],
  ] satisfies readonly (readonly [string, Sent])[])('%s', async (_, sent) => {
    expect(await refused(delivery(push(), sent))).toBe('not-found');
    expect([inbox(), heard, doubted]).toEqual([0, [], []]);
  });

  test('for a repository that is not in the configuration', async () => {
    expect(await refused(delivery(push('demo/unknown')))).toBe('not-found');
  });
});

describe('a signature', () => {
  test('that is missing is refused, and nobody doubts the hook for it', async () => {
    expect(await refused(delivery(push(), { secret: null }))).toBe('webhook.bad-signature');
    expect([inbox(), doubted]).toEqual([0, []]);
  });

  test('that does not match is refused, and makes the hook doubtful', async () => {
    expect(await refused(delivery(push(), { secret: 'guessed' }))).toBe('webhook.bad-signature');
    expect([inbox(), doubted, heard]).toEqual([0, ['of-sample'], []]);
  });

  test('of another repository of the same forge is refused', async () => {
    expect(await refused(delivery(push(), { secret: secretOf('of-other') }))).toBe('webhook.bad-signature');
  });

  test('over another body is refused', async () => {
    const signed = delivery(push());

    expect(await refused({ ...signed, body: Buffer.from(push(SLUG, 'c'.repeat(40))) })).toBe(
      'webhook.bad-signature',
    );
  });

  test('that is stale is refused, and nobody doubts the hook for it', async () => {
    const stale = createDeliveryDoor({
      deliveries: stores.deliveries,
      reader: readerOf({ ...giteaDialect, judgeSignature: () => 'stale' }),
      secrets: { secretOf: () => new Secret('x') },
      clock: stores.clock,
      forgeOf: () => ({
        name: 'forge',
        kind: 'forgejo',
        repositoryOf: () => stores.repository.id,
      }),
      hookNamed: () => hooks[0],
      hookOf: () => undefined,
      appHookOf: () => undefined,
      takesSecretBefore: () => false,
      wishesOf: () => undefined,
      onStored: () => undefined,
      onHeard: () => undefined,
      onDoubt: ({ id }) => void doubted.push(id),
      onInstallations: () => undefined,
    });

    await expect(stale(delivery(push()))).rejects.toMatchObject({ code: 'webhook.bad-signature' });
    expect(doubted).toEqual([]);
  });

  test('with the secret of before a rotation counts for a while', async () => {
    const before = secretOf('of-sample', 1);
    hooks = [hook('of-sample', stores.repository.id, 'forge', { generation: 2 })];
    takesSecretBefore = true;
    expect(await door(delivery(push(), { secret: before, uid: 'u1' }))).toEqual({ kind: 'accepted' });
    expect(await door(delivery(push(), { secret: secretOf('of-sample', 2), uid: 'u2' }))).toEqual({
      kind: 'accepted',
    });

    takesSecretBefore = false;

    expect(await refused(delivery(push(), { secret: before, uid: 'u3' }))).toBe('webhook.bad-signature');
  });

  test('with a secret of long before does not count', async () => {
    hooks = [hook('of-sample', stores.repository.id, 'forge', { generation: 3 })];
    takesSecretBefore = true;

    expect(await refused(delivery(push(), { secret: secretOf('of-sample', 1) }))).toBe(
      'webhook.bad-signature',
    );
  });
});

describe('an address without an id', () => {
  test('finds the secret by the repository that the body names', async () => {
    expect(await door(delivery(push(), { hook: null }))).toEqual({ kind: 'accepted' });
    expect(await refused(delivery(push(OTHER), { hook: null }))).toBe('webhook.bad-signature');
  });

  // Whoever knew the name of a repository could have its hook installed anew.
  test('makes no hook doubtful: anybody can name a repository', async () => {
    expect(await refused(delivery(push(), { hook: null, secret: 'of-before' }))).toBe(
      'webhook.bad-signature',
    );
    expect(doubted).toEqual([]);
  });

  test('has nothing for a body that names no repository of ours', async () => {
    for (const body of ['', 'nonsense', '{}', '[]', '{"repository":7}', push('demo/unknown')]) {
      expect([body, await refused(delivery(body, { hook: null }))]).toEqual([body, 'not-found']);
    }
  });

  test('says to come back while the hook is not set up', async () => {
    hooks = [];

    expect(await refused(delivery(push(), { hook: null }))).toBe('not-ready');
  });

  test('is that of the App where there is one, whatever repository it is about', async () => {
    appHook = hook('of-app', null);
    const secret = secretOf('of-app');

    expect(await door(delivery(push(), { hook: null, secret, uid: 'a' }))).toEqual({ kind: 'accepted' });
    expect(await refused(delivery(push(), { hook: null, secret: secretOf('of-sample') }))).toBe(
      'webhook.bad-signature',
    );
    expect(await refused(delivery(push('demo/unknown'), { hook: null, secret }))).toBe('not-found');
    expect(doubted).toEqual(['of-app']);
  });
});

describe('rubbish', () => {
  test('that is signed is malformed, or about nothing, and stored nowhere', async () => {
    const body = constantFrom(
      string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      array(
        constantFrom('{', '}', '"repository":', '"full_name":', `"${SLUG}"`, '[', ']', ',', 'null', '\u0000'),
      ).map((parts) => Buffer.from(parts.join(''))),
    ).chain((one) => one);

    await assert(
      asyncProperty(
        body,
        constantFrom('push', 'pull_request', 'delete', 'ping'),
        constantFrom('of-sample', null),
        async (bytes, event, id) => {
          const answer = await refused(delivery(bytes, { event, hook: id }));
          expect(['webhook.malformed', 'not-found', { kind: 'ignored' }]).toContainEqual(
            typeof answer === 'object' && answer !== null && 'kind' in answer
              ? { kind: answer.kind }
              : answer,
          );
        },
      ),
      { numRuns: 300 },
    );
    expect(inbox()).toBe(0);
  });

  test('in a header is no reason to fail', async () => {
    const signed = delivery(push());
    const { 'x-gitea-signature': signature } = signed.headers;

    for (const odd of ['', 'zz', '0'.repeat(10_000), ['a', 'b'], undefined]) {
      expect(await refused({ ...signed, headers: { ...signed.headers, 'x-gitea-signature': odd } })).toBe(
        'webhook.bad-signature',
      );
    }
    const answer = await refused({ ...signed, headers: { 'x-gitea-signature': signature } });
    expect(answer).toBe('webhook.malformed');
  });
});

test('a store that fails is answered with 503, so that the forge shows it, and nothing is kept', async () => {
  const server = await startHttpServer({ door });
  const { headers, body } = delivery(push());
  const inject = async () =>
    await server.inject({
      method: 'POST',
      url: '/webhook/forge/of-sample',
      payload: body,
      headers: headers as Record<string, string>,
    });
  stores.database.failWith(() => new AppError('store.failed', 'The disk is full.'));
  expect((await inject()).statusCode).toBe(503);
  expect([inbox(), stored]).toEqual([0, 0]);

  stores.database.failWith(undefined);

  expect((await inject()).json()).toEqual({ message: 'Stored.' });
  expect([inbox(), stored]).toEqual([1, 1]);
  await server.close();
});
