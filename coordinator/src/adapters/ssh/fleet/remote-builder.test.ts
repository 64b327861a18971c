/** A builder over its connections, with a courier and an agent that are played here. */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import { type LeaseId, toLeaseId } from '@argunix/shared/domain/ids';
import { type DerivationPath, parseDerivationPath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { until } from '@argunix/shared/kit/testing/until';
import type { CoordinatorMessageInput } from '@argunix/shared/protocol/coordinator-message';
import { Hello } from '@argunix/shared/protocol/hello';
import { beforeEach, describe, expect, test } from 'vitest';
import type { DispatchObserver } from '../../../ports/builder.ts';
import type { CourierClient, Pushed } from './courier-client.ts';
import { createRemoteBuilder, type RemoteBuilder } from './remote-builder.ts';

const LIMITS = { timeoutMs: 60_000, maxSilentMs: 60_000, maxLogBytes: 1_000_000 };
const PUSHED: Pushed = { inputs: [], covered: [], bytes: 10, release: () => undefined };
const STALL_MS = 50;

function drv(name: string): DerivationPath {
  const path = parseDerivationPath(`/nix/store/${'0'.repeat(32)}-${name}.drv`);
  if (path === undefined) {
    throw new Error('no path');
  }
  return path;
}
function hello(given: Record<string, unknown> = {}): Hello {
  return Hello.parse({
    version: 1,
    name: 'one',
    session: 'a session of it',
    received: 0,
    agent_version: '0',
    capabilities: {
      systems: ['x86_64-linux'],
      emulated_systems: [],
      features: [],
      max_jobs: 4,
      sandbox: 'on',
      nix_version: '2.26.3',
    },
    pause: null,
    held: [],
    ...given,
  });
}

let sent: CoordinatorMessageInput[];
let endings: Map<LeaseId, BuildEnding>;
let lines: string[];
let courier: { push: CourierClient['push']; pull: CourierClient['pull']; log: CourierClient['log'] };
let graceMs: number;
let builder: RemoteBuilder;

const observer: DispatchObserver = {
  started() {},
  lines: (_, some) => void lines.push(...some.map(({ text }) => text)),
  ended: (leaseId, ending) => {
    expect(endings.has(leaseId)).toBe(false);
    endings.set(leaseId, ending);
  },
  carrying() {},
  carried() {},
};

beforeEach(() => {
  sent = [];
  endings = new Map();
  lines = [];
  graceMs = 20_000;
  courier = {
    push: () => Promise.resolve(PUSHED),
    pull: () => Promise.resolve({ bytes: 5, release: () => undefined }),
    log: () => Promise.resolve(0),
  };
  builder = createRemoteBuilder('one', hello().capabilities, {
    courier: {
      push: (...given) => courier.push(...given),
      pull: (...given) => courier.pull(...given),
      log: (...given) => courier.log(...given),
      take: () => undefined,
      broke: () => undefined,
    },
    derivations: { inputDerivations: () => Promise.resolve([]), details: () => Promise.resolve(undefined) },
    lineCount: () => Promise.resolve(0),
    send: (message) => sent.push(message),
    moved: () => undefined,
    clock: systemClock,
    log: silentLogger,
    patience: {
      get graceMs() {
        return graceMs;
      },
      retryMs: 5,
    },
    stallMs: STALL_MS,
  });
  builder.up(hello(), false);
});

function build(names: readonly string[], signal = new AbortController().signal): Promise<void> {
  return builder.build(
    names.map((name, at) => ({ leaseId: toLeaseId(at + 1), drvPath: drv(name) })),
    2,
    LIMITS,
    observer,
    signal,
  );
}
const given = (): readonly number[] =>
  sent.flatMap((message) => (message.type === 'build' ? message.requests.map(({ lease }) => lease) : []));
const said = (type: CoordinatorMessageInput['type']): readonly unknown[] =>
  sent.filter((message) => message.type === type);
function ended(lease: number, ending: Record<string, unknown> = { kind: 'built' }, log_lines = 0): void {
  builder.message({ type: 'ended', lease: toLeaseId(lease), ending, log_lines } as never);
}
const endingOf = (lease: number): BuildEnding | undefined => endings.get(toLeaseId(lease));

describe('bringing', () => {
  test('what cannot be carried of one spoils none of the others', async () => {
    courier.push = ({ drvPaths }) =>
      drvPaths.includes(drv('odd'))
        ? Promise.reject(new AppError('closure.unsupported', 'its outputs have no path'))
        : Promise.resolve(PUSHED);
    const building = build(['a', 'odd', 'b']);
    await until(() => given().length === 2);
    ended(1);
    ended(3);
    await building;

    expect(given()).toEqual([1, 3]);
    expect([1, 2, 3].map((lease) => endingOf(lease)?.kind)).toEqual(['built', 'unsupported', 'built']);
  });

  test('a way that breaks is tried again; one that stays broken is a fault of the host', async () => {
    let tries = 0;
    courier.push = () => {
      tries += 1;
      return Promise.reject(new AppError('closure.broken', 'it broke'));
    };
    await build(['a', 'b']);

    expect(tries).toBe(4);
    expect([endingOf(1)?.kind, endingOf(2)?.kind]).toEqual(['infrastructure', 'infrastructure']);
    expect(given()).toEqual([]);
  });

  test('what was cancelled on the way is never given', async () => {
    const { promise, resolve } = Promise.withResolvers<Pushed>();
    courier.push = () => promise;
    const building = build(['a', 'b']);
    builder.cancel(toLeaseId(1));
    await until(() => endingOf(1) !== undefined);
    resolve(PUSHED);
    await until(() => given().length > 0);
    ended(2);
    await building;

    expect(given()).toEqual([2]);
    expect(endingOf(1)).toEqual({ kind: 'cancelled' });
  });

  test('an agent that does not take it up does not have it for ever', async () => {
    graceMs = 60;
    await build(['a']);

    expect(endingOf(1)).toMatchObject({ kind: 'infrastructure', reason: 'one did not take it up.' });
    expect(said('release')).toHaveLength(1);
  });
});

describe('the log', () => {
  test('a connection that stands still after the end is left, and the rest is had by another', async () => {
    const froms: number[] = [];
    courier.log = async ({ from }, onLines, signal) => {
      froms.push(from);
      if (from === 0) {
        onLines([{ derivation: 'a', phase: '', text: 'first' }]);
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new AppError('closure.broken', 'left')));
        });
      }
      onLines([{ derivation: 'a', phase: '', text: 'second' }]);
      return 2;
    };
    const building = build(['a']);
    await until(() => given().length > 0);
    builder.message({ type: 'rooted', batch: 1 });
    builder.message({ type: 'started', lease: toLeaseId(1) });
    await until(() => lines.length > 0);
    // A build may be silent: nothing is left while it runs.
    await new Promise((resolve) => setTimeout(resolve, 3 * STALL_MS));
    expect(froms).toEqual([0]);
    ended(1, { kind: 'built' }, 2);
    await building;

    expect(lines).toEqual(['first', 'second']);
    expect(froms).toEqual([0, 1]);
    expect(endingOf(1)).toEqual({ kind: 'built' });
  });

  test('while the build runs there is no giving up', async () => {
    let tries = 0;
    courier.log = (_, onLines) => {
      tries += 1;
      if (tries < 10) {
        return Promise.reject(new AppError('closure.broken', 'not now'));
      }
      onLines([{ derivation: 'a', phase: '', text: 'at last' }]);
      return Promise.resolve(1);
    };
    const building = build(['a']);
    await until(() => given().length > 0);
    builder.message({ type: 'rooted', batch: 1 });
    builder.message({ type: 'started', lease: toLeaseId(1) });
    await until(() => lines.length > 0);
    ended(1, { kind: 'built' }, 1);
    await building;

    expect(lines).toEqual(['at last']);
  });
});

describe('coming and going', () => {
  test('what is cancelled while it is there is said again to a new session', async () => {
    const building = build(['a']);
    await until(() => given().length > 0);
    builder.message({ type: 'rooted', batch: 1 });
    builder.cancel(toLeaseId(1));
    builder.down('cut');
    builder.up(
      hello({
        session: 'another of it',
        held: [{ lease: 1, drv_path: drv('a'), started: true, ending: null, log_lines: null }],
      }),
      false,
    );

    expect(said('cancel')).toHaveLength(2);
    ended(1, { kind: 'cancelled' });
    await building;
    expect(endingOf(1)).toEqual({ kind: 'cancelled' });
  });

  test('an agent that does not answer a cancellation does not hold it up for ever', async () => {
    const building = build(['a']);
    await until(() => given().length > 0);
    builder.message({ type: 'rooted', batch: 1 });
    graceMs = 50;
    builder.cancel(toLeaseId(1));
    await building;

    expect(endingOf(1)).toEqual({ kind: 'cancelled' });
    expect(said('release')).toHaveLength(1);
  });

  test('away past the grace, what it had is lost, and the late one is told to let go of it', async () => {
    const building = build(['a']);
    await until(() => given().length > 0);
    builder.message({ type: 'rooted', batch: 1 });
    graceMs = 50;
    builder.down('the road is gone');
    await building;
    expect(endingOf(1)).toMatchObject({
      kind: 'infrastructure',
      reason: expect.stringContaining('one went away (the road is gone)') as string,
    });
    const before = said('release').length;
    builder.up(
      hello({ held: [{ lease: 1, drv_path: drv('a'), started: true, ending: null, log_lines: null }] }),
      true,
    );

    expect(said('release')).toHaveLength(before + 1);
  });

  test('one that comes back without what it was given has lost it', async () => {
    const building = build(['a']);
    await until(() => given().length > 0);
    builder.message({ type: 'rooted', batch: 1 });
    builder.down('killed');
    builder.up(hello({ session: 'another of it' }), false);
    await building;

    expect(endingOf(1)).toMatchObject({ kind: 'infrastructure' });
  });

  test('when we stop, nothing is told, and the agent goes on', async () => {
    const stopping = new AbortController();
    const building = build(['a'], stopping.signal);
    await until(() => given().length > 0);
    stopping.abort();
    await building;

    expect([endings.size, said('release').length, said('cancel').length]).toEqual([0, 0, 0]);
  });

  test('a build from before goes on from what is told of it last, and what nobody wants is let go', async () => {
    const [held, other] = builder.up(
      hello({
        session: 'another of it',
        held: [7, 8].map((lease) => ({
          lease,
          drv_path: drv('a'),
          started: false,
          ending: null,
          log_lines: null,
        })),
      }),
      false,
    );
    ended(7);
    await held?.resume(observer, new AbortController().signal);
    builder.cancel(other?.leaseId ?? toLeaseId(0));

    expect(endingOf(7)).toEqual({ kind: 'built' });
    expect(said('release')).toEqual([
      { type: 'release', lease: 7 },
      { type: 'release', lease: 8 },
    ]);
  });
});
