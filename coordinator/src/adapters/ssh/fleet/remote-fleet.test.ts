import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { silentLogger } from '@argunix/shared/kit/logger';
import { Hello } from '@argunix/shared/protocol/hello';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeStore } from '../../../../test/fakes/fake-store.ts';
import { AT, openStores } from '../../../../test/store-fixture.ts';
import { createBuilderStore } from '../../sqlite/builder-store.ts';
import { createCourierClient } from './courier-client.ts';
import { createRemoteFleet, type RemoteFleet } from './remote-fleet.ts';

const NAME = 'rack-1';
const FAREWELL = 'The builder was asked to stop.';
const hello = Hello.parse({
  version: 1,
  name: NAME,
  session: 'a session of it',
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
    substitutes: true,
  },
  pause: null,
  held: [],
});

let stores: Awaited<ReturnType<typeof openStores>>;
let fleet: RemoteFleet;
beforeEach(async () => {
  stores = await openStores();
  fleet = createRemoteFleet({
    builders: createBuilderStore(stores.database),
    courier: createCourierClient(() => undefined),
    derivations: createFakeStore(),
    clock: { now: () => toEpochMs(AT), sleep: () => Promise.resolve() },
    log: silentLogger,
    patience: { graceMs: 60_000, retryMs: 1_000 },
    stallMs: 60_000,
    lineCount: () => Promise.resolve(0),
    isExpectedOffline: () => false,
    send: () => undefined,
    changed: () => undefined,
    address: () => null,
  });
});
afterEach(async () => {
  await stores.close();
});

test('one that said why it leaves left for that, and not for the end of its connection', () => {
  fleet.take({ kind: 'up', builder: NAME, hello, isResumed: false });
  fleet.take({ kind: 'message', builder: NAME, message: { type: 'leaving', reason: FAREWELL } });
  fleet.take({ kind: 'down', builder: NAME, reason: 'the connection was closed' });

  expect(fleet.of(NAME)?.lossReason).toBe(FAREWELL);
});

test('what it said when it left before is not why it leaves now', () => {
  fleet.take({ kind: 'up', builder: NAME, hello, isResumed: false });
  fleet.take({ kind: 'message', builder: NAME, message: { type: 'leaving', reason: FAREWELL } });
  fleet.take({ kind: 'down', builder: NAME, reason: 'the connection was closed' });
  fleet.take({ kind: 'up', builder: NAME, hello, isResumed: false });
  fleet.take({ kind: 'down', builder: NAME, reason: 'nothing came from it for 95 s' });

  expect(fleet.of(NAME)?.lossReason).toBe('nothing came from it for 95 s');
});
