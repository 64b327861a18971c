/** Who comes in as a builder, and what an operator may do about it, on the real store. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { AppError } from '@argunix/shared/kit/app-error';
import { silentLogger } from '@argunix/shared/kit/logger';
import { Hello, type Refusal } from '@argunix/shared/protocol/hello';
import { parseInvitation } from '@argunix/shared/protocol/invitation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AT, building, drvPath, openStores } from '../../test/store-fixture.ts';
import { createBuilderStore } from '../adapters/sqlite/builder-store.ts';
import { sqlite } from '../adapters/sqlite/sql.ts';
import { createEnrollmentSecrets } from '../adapters/ssh/enrollment-secrets.ts';
import type { BuilderDoor } from '../ports/builder-presence.ts';
import { type AdministerPorts, administerBuilders } from './administer-builders.ts';
import { type Admission, admitBuilder, judgeLogin } from './enroll-builder.ts';

const SHARED = 'the shared token';
const HOST_KEY = `SHA256:${'a'.repeat(43)}`;
const DAY_MS = 86_400_000;

let stores: Awaited<ReturnType<typeof openStores>>;
let token: string | null;
let now: number;
let told: { readonly what: string; readonly name: string; readonly refusal?: Refusal }[];
let busy: ReadonlySet<string>;
beforeEach(async () => {
  stores = await openStores();
  token = SHARED;
  now = AT;
  told = [];
  busy = new Set();
});
afterEach(async () => {
  await stores.close();
});

function ports(): AdministerPorts {
  const door: BuilderDoor = {
    hangUp: (name, refusal) => void told.push({ what: 'hang up', name, refusal }),
    drained: (name, isDrained) => void told.push({ what: isDrained ? 'drained' : 'resumed', name }),
    renamed: (name, newName) => void told.push({ what: `renamed ${newName}`, name }),
    removed: (name) => void told.push({ what: 'removed', name }),
    isBusy: (name) => busy.has(name),
  };
  return {
    builders: createBuilderStore(stores.database),
    secrets: {
      ...createEnrollmentSecrets({ tokenPath: () => null, hostKey: HOST_KEY }),
      sharedToken: () => Promise.resolve(token),
    },
    ownBuilders: ['local'],
    clock: { now: () => toEpochMs(now), sleep: () => Promise.resolve() },
    log: silentLogger,
    door,
  };
}
function hello(name: string, version = 1): Hello {
  return Hello.parse({
    version,
    name,
    session: 'a session of it',
    received: 0,
    agent_version: '0',
    capabilities: {
      systems: ['x86_64-linux'],
      emulated_systems: [],
      features: [],
      max_jobs: 1,
      sandbox: 'on',
      nix_version: '2.26.3',
    },
    pause: null,
    held: [],
  });
}
const admit = (key: string, given: string | null, name: string, version = 1): Promise<Admission> =>
  admitBuilder(ports(), key, given, hello(name, version));
function codeOf(admission: Admission): string {
  return admission.kind === 'refused' ? admission.refusal.code : 'admitted';
}
async function invite(name: string): Promise<string> {
  const verdict = await administerBuilders(ports()).invite(name, DAY_MS);
  return verdict.kind === 'done' ? verdict.token : verdict.kind;
}

describe('coming in', () => {
  test('a new key needs a token; once it is in, its key is enough', async () => {
    expect(await judgeLogin(ports(), 'key', null)).toBe('needs_token');
    expect(await judgeLogin(ports(), 'key', 'a guess')).toBe('token_bad');
    expect(await judgeLogin(ports(), 'key', SHARED)).toBe('token_good');
    expect(await admit('key', SHARED, 'one')).toMatchObject({ kind: 'admitted', isNew: true });
    expect(await judgeLogin(ports(), 'key', null)).toBe('known');
    expect(await admit('key', null, 'one')).toMatchObject({ kind: 'admitted', isNew: false });
  });

  test('a name is bound to its key, and a key to its name', async () => {
    await admit('key', SHARED, 'one');

    expect(codeOf(await admit('another key', SHARED, 'one'))).toBe('name-taken');
    expect(codeOf(await admit('another key', SHARED, 'local'))).toBe('name-taken');
    expect(codeOf(await admit('key', null, 'two'))).toBe('key-has-another-name');
    expect(codeOf(await admit('key', SHARED, 'two'))).toBe('key-has-another-name');
    expect(ports().builders.all()).toHaveLength(1);
  });

  test('another version of the protocol is refused with what to do', async () => {
    const admission = await admit('key', SHARED, 'one', 2);

    expect(admission).toMatchObject({
      refusal: { code: 'wrong-version', reason: expect.stringContaining('bring the older') as string },
    });
    expect(ports().builders.all()).toEqual([]);
  });

  test('no shared token lets nobody in, and one that cannot be read neither', async () => {
    token = null;
    expect(await judgeLogin(ports(), 'key', '')).toBe('token_bad');
    const unreadable = {
      ...ports(),
      secrets: {
        ...ports().secrets,
        sharedToken: () => Promise.reject(new AppError('secret.unreadable', 'it is gone')),
      },
    };
    expect(await judgeLogin(unreadable, 'key', SHARED)).toBe('token_bad');
  });

  test('two that come at once under one name: one of them is in', async () => {
    const admissions = await Promise.all([admit('key 1', SHARED, 'one'), admit('key 2', SHARED, 'one')]);

    expect(admissions.map(({ kind }) => kind).toSorted()).toEqual(['admitted', 'refused']);
  });
});

describe('an invitation', () => {
  test('carries name and host key, and works once, for its name', async () => {
    const text = await invite('laptop');

    expect(parseInvitation(text)).toMatchObject({ name: 'laptop', host_key: HOST_KEY });
    expect(await judgeLogin(ports(), 'key', text)).toBe('token_good');
    expect(codeOf(await admit('key', text, 'another-name'))).toBe('not-invited');
    expect(codeOf(await admit('key', text, 'laptop'))).toBe('admitted');
    expect(await judgeLogin(ports(), 'key 2', text)).toBe('token_bad');
    expect(codeOf(await admit('key 2', text, 'laptop-2'))).toBe('not-invited');
  });

  test('its secret alone is as good, and nothing of it is stored', async () => {
    const secret = parseInvitation(await invite('laptop'))?.secret ?? '';

    expect(await judgeLogin(ports(), 'key', secret)).toBe('token_good');
    const rows = stores.database.all(sqlite.selectFrom('invitations').selectAll());
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  test('expires, and a newer one for the name takes its place', async () => {
    const first = await invite('laptop');
    const second = await invite('laptop');
    expect(await judgeLogin(ports(), 'key', first)).toBe('token_bad');
    now += DAY_MS;

    expect(await judgeLogin(ports(), 'key', second)).toBe('token_bad');
    expect(codeOf(await admit('key', second, 'laptop'))).toBe('not-invited');
  });

  test('is not made for a name that is in use, or none at all', async () => {
    await admit('key', SHARED, 'one');

    const made = await Promise.all(['one', 'local', '', '../etc', 'a b'].map(invite));
    expect(made).toEqual(['refused', 'refused', 'refused', 'refused', 'refused']);
  });
});

describe('an operator', () => {
  const administration = () => administerBuilders(ports());

  test('revokes: its key is known and opens nothing, and the token it may know is spent', async () => {
    await admit('key', SHARED, 'one');
    const verdict = await administration().revoke('one');

    expect(verdict).toMatchObject({
      message: expect.stringContaining('enrolls nobody until its file changes') as string,
    });
    expect(codeOf(await admit('key', SHARED, 'one'))).toBe('revoked');
    expect(told.map(({ what }) => what)).toEqual(['hang up', 'removed']);
    expect(await judgeLogin(ports(), 'another key', SHARED)).toBe('token_bad');
    token = 'a new shared token';
    expect(await judgeLogin(ports(), 'another key', token)).toBe('token_good');
    await administration().unrevoke('one');
    expect(codeOf(await admit('key', null, 'one'))).toBe('admitted');
  });

  test('removes: its name is free, and its key has to come with a token again', async () => {
    await admit('key', SHARED, 'one');
    await administration().remove('one');

    expect(codeOf(await admit('key', null, 'one'))).toBe('not-invited');
    expect(codeOf(await admit('another key', SHARED, 'one'))).toBe('admitted');
  });

  test('removes one that has built: what it built stays', async () => {
    await admit('key', SHARED, 'one');
    const { jobIds } = await building(stores, ['a']);
    const attempts = jobIds.map((jobId) => ({ jobId, attempt: 1 }));
    await stores.jobs.lease(drvPath('a'), 'one', attempts, stores.repository.id, AT);

    expect(await administration().remove('one')).toMatchObject({ kind: 'done' });
    expect(stores.jobs.activeLeases()).toMatchObject([{ builder: 'one' }]);
  });

  test('renames: the agent may go on calling itself as before; not while it has work, nor to a taken name', async () => {
    await admit('key', SHARED, 'one');
    await admit('key 2', SHARED, 'two');
    busy = new Set(['one']);
    expect(await administration().rename('one', 'three')).toMatchObject({ kind: 'refused' });
    busy = new Set();
    expect(await administration().rename('one', 'two')).toMatchObject({ kind: 'refused' });
    expect(await administration().rename('one', 'three')).toMatchObject({ kind: 'done' });

    expect(await admit('key', null, 'one')).toMatchObject({ builder: { name: 'three' } });
    expect(await admit('key', null, 'three')).toMatchObject({ builder: { name: 'three' } });
    expect(codeOf(await admit('key', null, 'two'))).toBe('key-has-another-name');
  });

  test('drains and resumes, and both outlast a restart', async () => {
    await admit('key', SHARED, 'one');
    await administration().drain('one');
    expect(ports().builders.byName('one')?.drainedAt).toBe(AT);
    await administration().resume('one');

    expect(ports().builders.byName('one')?.drainedAt).toBeNull();
    expect(told.map(({ what }) => what)).toEqual(['drained', 'resumed']);
  });

  test('is told what is not there, and that this host’s own builders are the configuration’s', async () => {
    const operator = administration();

    expect(
      await Promise.all([operator.drain('nobody'), operator.revoke('nobody'), operator.remove('nobody')]),
    ).toEqual([{ kind: 'not_found' }, { kind: 'not_found' }, { kind: 'not_found' }]);
    expect(await operator.drain('local')).toMatchObject({ kind: 'refused' });
  });
});
