import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { silentLogger } from '@argunix/shared/kit/logger';
import { parseInvitation } from '@argunix/shared/protocol/invitation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, openStores } from '../../test/store-fixture.ts';
import { createBuilderStore } from '../adapters/sqlite/builder-store.ts';
import {
  type AdministerPorts,
  administerBuilders,
  type BuilderAdministration,
} from './administer-builders.ts';
import { admitBuilder, judgeLogin } from './enroll-builder.ts';

const HOST_KEY = `SHA256:${'k'.repeat(43)}`;
const HOUR = 3_600_000;

let stores: Awaited<ReturnType<typeof openStores>>;
let ports: AdministerPorts;
let administration: BuilderAdministration;
let now = AT;
let sharedToken: () => Promise<string | null>;
let told: unknown[];

beforeEach(async () => {
  stores = await openStores();
  now = AT;
  sharedToken = () => Promise.resolve('the shared token');
  told = [];
  ports = {
    builders: createBuilderStore(stores.database),
    secrets: {
      digest: (secret) => `digest of ${secret}`,
      make: () => 'a-secret-that-nobody-guesses',
      isSame: (one, other) => one === other,
      sharedToken: () => sharedToken(),
      hostKey: HOST_KEY,
    },
    ownBuilders: ['local'],
    door: {
      hangUp: (name, { code }) => told.push(['hangUp', name, code]),
      drained: (name, isDrained) => told.push(['drained', name, isDrained]),
      renamed: (name, newName) => told.push(['renamed', name, newName]),
      isBusy: () => false,
      removed: (name) => told.push(['removed', name]),
    },
    clock: { now: () => now, sleep: () => Promise.resolve() },
    log: silentLogger,
  };
  administration = administerBuilders(ports);
});
afterEach(async () => await stores.close());

async function enroll(name = 'rack-1', publicKey = `key of ${name}`): Promise<void> {
  expect(await ports.builders.enroll({ name, publicKey }, { kind: 'token' }, AT)).toBe(true);
}

function said(verdict: Awaited<ReturnType<BuilderAdministration['drain']>>): string {
  switch (verdict.kind) {
    case 'done':
      return `done: ${verdict.message}`;
    case 'refused':
      return `refused: ${verdict.reason}`;
    case 'not_found':
      return 'not found';
  }
}

function later(ms: number): void {
  now = toEpochMs(now + ms);
}

async function enter(token: string, name: string): Promise<string> {
  const admission = await admitBuilder(ports, `key of ${name}`, token, {
    version: 1,
    name,
    session: 'a-session',
    received: 0,
    agent_version: '0.1.0',
    capabilities: {
      systems: ['x86_64-linux'],
      emulated_systems: [],
      features: [],
      mandatory_features: [],
      max_jobs: 1,
      speed_factor: 1,
      sandbox: 'on',
      nix_version: '2.31.2',
      substitutes: false,
    },
    pause: null,
    held: [],
  });
  return admission.kind === 'admitted' ? admission.kind : admission.refusal.code;
}

async function inviteTo(name: string): Promise<string> {
  const invited = await administration.invite(name, HOUR);
  if (invited.kind !== 'done') {
    throw new Error(`expected an invitation, got ${invited.kind}`);
  }
  expect(invited.expiresAt).toBe(AT + HOUR);
  return invited.token;
}

test('an invitation lets one key in, under its name, once, and names the key of this host', async () => {
  const token = await inviteTo('rack-1');

  expect(parseInvitation(token)).toMatchObject({ name: 'rack-1', host_key: HOST_KEY });
  expect(await enter(token, 'rack-2')).toBe('not-invited');
  expect(await enter(token, 'rack-1')).toBe('admitted');
  expect(await judgeLogin(ports, 'another key', token)).toBe('token_bad');
});

test('an invitation that has expired lets nobody in', async () => {
  const token = await inviteTo('rack-1');
  later(HOUR);

  expect(await judgeLogin(ports, 'a key', token)).toBe('token_bad');
});

test('a newer invitation for a name takes the place of the one before', async () => {
  const first = await inviteTo('rack-1');
  ports = { ...ports, secrets: { ...ports.secrets, make: () => 'another-secret-not-to-guess' } };
  await administerBuilders(ports).invite('rack-1', HOUR);

  expect(await judgeLogin(ports, 'a key', first)).toBe('token_bad');
});

test.each(['rack-1', 'local', 'two words', ''])('nobody is invited as %j', async (name) => {
  await enroll('rack-1');

  expect(await administration.invite(name, HOUR)).toMatchObject({ kind: 'refused' });
});

test('a builder is drained and resumed, and told so', async () => {
  await enroll();

  await administration.drain('rack-1');
  later(HOUR);
  await administration.drain('rack-1');
  expect(ports.builders.byName('rack-1')?.drainedAt).toBe(AT);

  expect(await administration.resume('rack-1')).toMatchObject({ message: 'rack-1 gets work again.' });
  expect(ports.builders.byName('rack-1')?.drainedAt).toBeNull();
  expect(told).toEqual([
    ['drained', 'rack-1', true],
    ['drained', 'rack-1', true],
    ['drained', 'rack-1', false],
  ]);
});

test('resuming one that was not drained says where to look', async () => {
  await enroll();

  expect(said(await administration.resume('rack-1'))).toMatch(/^done: .*argunixctl builders show rack-1/);
});

test('a builder is renamed, and its agent may go on with the old name', async () => {
  await enroll();
  await enroll('rack-2');

  expect(await administration.rename('rack-1', 'rack-2')).toMatchObject({ kind: 'refused' });
  expect(await administration.rename('rack-1', 'local')).toMatchObject({ kind: 'refused' });
  expect(await administration.rename('rack-1', 'two words')).toMatchObject({ kind: 'refused' });
  expect(await administration.rename('rack-1', 'rack-9')).toMatchObject({ kind: 'done' });

  expect(ports.builders.byName('rack-9')?.formerName).toBe('rack-1');
  expect(told).toEqual([['renamed', 'rack-1', 'rack-9']]);
});

test('a revoked builder is sent away, and the token that it may know enrolls nobody until it is another', async () => {
  await enroll();

  expect(said(await administration.revoke('rack-1'))).toMatch(
    /^done: .*enrolls nobody until its file changes/,
  );

  expect(told).toEqual([
    ['hangUp', 'rack-1', 'revoked'],
    ['removed', 'rack-1'],
  ]);
  expect(await judgeLogin(ports, 'another key', 'the shared token')).toBe('token_bad');
  sharedToken = () => Promise.resolve('a new token');
  expect(await judgeLogin(ports, 'another key', 'a new token')).toBe('token_good');
});

test('revoking twice does not spend the token that was changed in between', async () => {
  await enroll();
  await administration.revoke('rack-1');
  sharedToken = () => Promise.resolve('a new token');

  expect(await administration.revoke('rack-1')).toMatchObject({ kind: 'refused' });
  expect(await judgeLogin(ports, 'another key', 'a new token')).toBe('token_good');
});

test('a token that cannot be read does not keep a builder in, and the operator is told what is left to do', async () => {
  await enroll();
  sharedToken = () => Promise.reject(new Error('EACCES'));

  expect(said(await administration.revoke('rack-1'))).toMatch(/^done: .*put another one into its file/);
  expect(ports.builders.byName('rack-1')?.revokedAt).toBe(AT);
});

test('only what is revoked is let in again', async () => {
  await enroll();

  expect(await administration.unrevoke('rack-1')).toMatchObject({ kind: 'refused' });
  await administration.revoke('rack-1');
  expect(await administration.unrevoke('rack-1')).toMatchObject({ kind: 'done' });
  expect(ports.builders.byName('rack-1')?.revokedAt).toBeNull();
});

test('the name of a removed builder is free', async () => {
  await enroll();

  expect(await administration.remove('rack-1')).toMatchObject({ kind: 'done' });

  expect(told).toEqual([
    ['hangUp', 'rack-1', 'not-invited'],
    ['removed', 'rack-1'],
  ]);
  expect(await administration.invite('rack-1', HOUR)).toMatchObject({ kind: 'done' });
});

test.each(['drain', 'resume', 'revoke', 'unrevoke', 'remove'] as const)(
  '%s of a builder of this host is refused with the reason, and of nobody nothing is found',
  async (verb) => {
    expect(said(await administration[verb]('local'))).toMatch(/^refused: .*of this host/);
    expect(await administration[verb]('nobody')).toEqual({ kind: 'not_found' });
    expect(told).toEqual([]);
  },
);
