import type { JobId, RepositoryId } from '@argunix/shared/domain/ids';
import { describe, expect, test } from 'vitest';
import {
  queuedDrv as drv,
  queuedJob as job,
  nameOf,
  namesOf,
  offered,
  planned,
  RULES,
} from '../../../test/queue-fixture.ts';
import type { BuilderOffer } from '../builder-offer.ts';
import { deskState } from './desk-state.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';

const MANY: BuilderOffer = offered({ slots: 99 });

/** The order in which everything that is ready now is given out. */
function order(scheduler: Scheduler, now: number): readonly string[] {
  const names: string[] = [];
  for (let one = scheduler.take(now); one !== undefined; one = scheduler.take(now)) {
    names.push(nameOf(one.step));
  }
  return names;
}
function stateOf(scheduler: Scheduler, name: string, now: number): unknown {
  const step = scheduler.graph.get(drv(name));
  if (step === undefined) {
    throw new Error(`expected ${name} in the graph`);
  }
  const state = deskState(scheduler.deskOf(step), scheduler.roster, RULES, now);
  return { ...state, builders: undefined, known: undefined, natives: undefined };
}
function lostOf(scheduler: Scheduler, now: number): readonly (readonly [string, string])[] {
  return scheduler.takeLost(now).map(({ step, why }) => [nameOf(step), why] as const);
}
/** As when infrastructure spoils it at once. */
function spoil(scheduler: Scheduler, now: number): string | undefined {
  const taken = scheduler.take(now);
  if (taken !== undefined) {
    const { drvPath } = taken.step;
    scheduler.release(drvPath, now);
    scheduler.freePlaces(taken.builder, 1);
    scheduler.spoiled(drvPath, taken.builder, 'no space', now);
    scheduler.putBack(drvPath, { wasDispatched: true }, now);
  }
  return taken?.builder;
}
function build(scheduler: Scheduler, from: number, to: number): RepositoryId | undefined {
  const taken = scheduler.take(from);
  if (taken !== undefined) {
    const { drvPath, jobs } = taken.step;
    scheduler.release(drvPath, to);
    scheduler.freePlaces(taken.builder, 1);
    scheduler.forget(jobs, to);
    scheduler.finish(drvPath, taken.builder, to);
  }
  return taken?.meter?.repositoryId;
}

describe('the order', () => {
  test('in a repository is by rank, then the longest way above, then age', () => {
    const scheduler = createScheduler(RULES);
    scheduler.add(
      [job(1, 'request', { rank: 2 }), job(2, 'app'), job(3, 'old'), job(4, 'young')],
      [
        planned('request', [], { expectedMs: 9_000 }),
        planned('app', ['base']),
        planned('base', [], { system: 'builtin', requiredFeatures: [] }),
        planned('old'),
        planned('young'),
      ],
      0,
    );
    scheduler.add([job(5, 'base')], [planned('base')], 0);
    scheduler.join('ant', MANY, false, 0);

    expect(order(scheduler, 0)).toEqual(['base', 'old', 'young', 'request']);
  });

  test('at an equal share has the default branch before requests', () => {
    const scheduler = createScheduler(RULES);
    scheduler.add(
      [job(1, 'request', { repository: 1, rank: 2 }), job(2, 'branch', { repository: 2 })],
      [planned('request'), planned('branch')],
      0,
    );
    scheduler.join('ant', MANY, false, 0);

    expect(order(scheduler, 0)).toEqual(['branch', 'request']);
  });

  test('begins with what somebody asked to be first, the newest wish before, inputs included', () => {
    const scheduler = createScheduler(RULES);
    scheduler.add(
      [job(1, 'a'), job(2, 'b', { repository: 2 }), job(3, 'c', { rank: 2 }), job(4, 'lib', { rank: 2 })],
      [planned('a'), planned('b'), planned('c', ['lib']), planned('lib')],
      0,
    );
    scheduler.bump([2 as JobId], 5);
    scheduler.bump([3 as JobId], 6);
    scheduler.join('ant', MANY, false, 7);

    expect(order(scheduler, 7)).toEqual(['lib', 'b', 'a']);
  });

  test('gives what two repositories want at the turn of the first of them', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered(), false, 0);
    scheduler.add([job(1, 'first')], [planned('first')], 0);
    build(scheduler, 0, 60_000);
    scheduler.add(
      [job(2, 'both'), job(3, 'both', { repository: 2 }), job(4, 'own', { repository: 1 })],
      [planned('both', [], { expectedMs: 1 }), planned('own', [], { expectedMs: 50_000 })],
      60_000,
    );
    scheduler.add([job(5, 'later', { repository: 3 })], [planned('later')], 60_000);

    expect(order(scheduler, 60_000)).toHaveLength(1);
    expect([...scheduler.share.all()].map(({ running }) => running)).toEqual([1, 0, 0]);
  });

  test('lets one job of a repository wait for no more than one build behind 50,000 of another', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered(), false, 0);
    const many = Array.from({ length: 50_000 }, (_, id) => `many-${id}`);
    scheduler.add(
      many.map((name, id) => job(id + 10, name)),
      many.map((name) => planned(name, [], { expectedMs: 60_000 })),
      0,
    );
    for (let at = 0; at < 600_000; at += 60_000) {
      build(scheduler, at, at + 60_000);
    }
    const running = scheduler.take(600_000);
    scheduler.add([job(1, 'one', { repository: 2, rank: 2 })], [planned('one')], 610_000);

    expect(scheduler.take(620_000)).toBeUndefined();
    scheduler.release(running?.step.drvPath ?? drv(''), 660_000);
    scheduler.freePlaces('ant', 1);
    expect(order(scheduler, 660_000)).toEqual(['one']);
  });

  test('shares build time by weight, however long each one builds', () => {
    const weights: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 5 };
    const scheduler = createScheduler({ ...RULES, weightOf: (id) => weights[id] ?? 1 });
    scheduler.join('ant', offered(), false, 0);
    for (const [repository] of Object.entries(weights)) {
      const names = Array.from({ length: 2_000 }, (_, id) => `r${repository}-${id}`);
      const first = Number(repository) * 10_000;
      scheduler.add(
        names.map((name, id) => job(first + id, name, { repository: Number(repository) })),
        // Nobody knows how long they take; those of the third repository take three times as long as those of the first.
        names.map((name) => planned(name, [], { expectedMs: 1_000 })),
        0,
      );
    }
    const builtMs = [0, 0, 0, 0];
    for (let at = 0, turn = 0; turn < 2_000; turn += 1) {
      const id = Number(nameOf(scheduler.take(at)?.step ?? { drvPath: drv('r0') })[1]);
      const tookMs = id * (500 + ((turn * 7_919) % 1_000));
      builtMs[id] = (builtMs[id] ?? 0) + tookMs;
      const [drvPath = drv('')] = scheduler.taken.keys();
      scheduler.release(drvPath, at + tookMs);
      scheduler.freePlaces('ant', 1);
      scheduler.forget(scheduler.graph.get(drvPath)?.jobs ?? [], at + tookMs);
      scheduler.finish(drvPath, null, at + tookMs);
      at += tookMs;
    }
    const totalMs = builtMs.reduce((sum, one) => sum + one);

    for (const [repository, weight] of Object.entries(weights)) {
      const share = (builtMs[Number(repository)] ?? 0) / totalMs;
      expect(Math.abs(share - weight / 8)).toBeLessThan(0.01);
    }
  });
});

describe('who could build it', () => {
  test('nobody at all: it is lost at once, though another builder of its system is there', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered(), false, 0);
    scheduler.add([job(1, 'vm')], [planned('vm', [], { requiredFeatures: ['kvm'] })], 0);

    expect(lostOf(scheduler, 0)).toEqual([['vm', 'hopeless']]);
  });

  test('nobody any more: what waits for something else is lost too', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered({ features: ['kvm'] }), false, 0);
    scheduler.join('bee', offered(), false, 0);
    scheduler.add(
      [job(1, 'lib'), job(2, 'vm')],
      [planned('lib'), planned('vm', ['lib'], { requiredFeatures: ['kvm'] })],
      0,
    );
    expect(lostOf(scheduler, 0)).toEqual([]);

    scheduler.remove('ant', 1);

    expect(lostOf(scheduler, 1)).toEqual([['vm', 'hopeless']]);
  });

  test('one that is away: it is given up so long after that one left, not after it came', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered(), false, 0);
    scheduler.leave('ant', 1_000);
    scheduler.add([job(1, 'app')], [planned('app')], 50_000);

    expect(stateOf(scheduler, 'app', 50_000)).toMatchObject({ kind: 'absent', giveUpAt: 101_000 });
    expect(scheduler.nextChange(50_000)).toBe(101_000);
    expect(lostOf(scheduler, 100_999)).toEqual([]);
    expect(lostOf(scheduler, 101_000)).toEqual([['app', 'absent']]);
  });

  test('one that was there before a start: its leaving counts when it is told of late', () => {
    const scheduler = createScheduler(RULES);
    scheduler.expect('bee', offered({ features: ['kvm'] }), false, 0);
    scheduler.add([job(1, 'app')], [planned('app')], 1_000);
    scheduler.expect('ant', offered(), false, 60_000);

    expect(stateOf(scheduler, 'app', 61_000)).toMatchObject({ kind: 'absent', giveUpAt: 160_000 });
  });

  test('one that is expected to be away: it waits without end', () => {
    const scheduler = createScheduler(RULES);
    scheduler.expect('ant', offered(), true, 0);
    scheduler.add([job(1, 'app')], [planned('app')], 0);

    expect(scheduler.nextChange(0)).toBe(Number.POSITIVE_INFINITY);
    expect(lostOf(scheduler, 1e12)).toEqual([]);
  });

  test('only busy ones: nothing is due', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered(), false, 0);
    scheduler.add([job(1, 'a'), job(2, 'b')], [planned('a'), planned('b')], 0);
    scheduler.take(0);

    expect(stateOf(scheduler, 'b', 1e9)).toMatchObject({ kind: 'busy' });
    expect(scheduler.nextChange(1e9)).toBe(Number.POSITIVE_INFINITY);
    expect(lostOf(scheduler, 1e9)).toEqual([]);
  });

  test('an emulating one: only when no native one was there within the grace', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('native', offered({ systems: ['aarch64-linux'] }), false, 0);
    scheduler.join('emulating', offered({ emulatedSystems: ['aarch64-linux'] }), false, 0);
    scheduler.add([job(1, 'app')], [planned('app', [], { system: 'aarch64-linux' })], 0);
    scheduler.leave('native', 1_000);

    expect(stateOf(scheduler, 'app', 1_000)).toMatchObject({ kind: 'awaiting_native', spillAt: 31_000 });
    expect(scheduler.nextChange(1_000)).toBe(31_000);
    expect(scheduler.take(30_999)).toBeUndefined();
    expect(scheduler.take(31_000)?.builder).toBe('emulating');
  });

  test('an emulating one: at once when no native one is known', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('emulating', offered({ emulatedSystems: ['aarch64-linux'] }), false, 0);
    scheduler.add([job(1, 'app')], [planned('app', [], { system: 'aarch64-linux' })], 0);

    expect(scheduler.take(0)?.builder).toBe('emulating');
  });

  test('not one without the sandbox, for a stranger, and not any more when the trusted claim has gone', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('open', offered({ isSandboxed: false }), false, 0);
    scheduler.expect('boxed', offered(), false, 0);
    scheduler.add(
      [job(1, 'app'), job(2, 'app', { repository: 2, rank: 2, isTrusted: false })],
      [planned('app')],
      0,
    );

    scheduler.forget([job(1, 'app')], 1);

    expect(scheduler.take(1)).toBeUndefined();
    expect(stateOf(scheduler, 'app', 1)).toMatchObject({ kind: 'absent' });
    scheduler.join('boxed', offered(), false, 2);
    expect(scheduler.take(2)?.builder).toBe('boxed');
  });
});

describe('a builder in trouble', () => {
  /** Five steps, and one builder that spoils all. */
  function createTroubled(): Scheduler {
    const scheduler = createScheduler(RULES);
    scheduler.join('bad', offered({ speedFactor: 9 }), false, 0);
    const names = ['a', 'b', 'c', 'd', 'e'];
    scheduler.add(
      names.map((name, id) => job(id, name)),
      names.map((name) => planned(name)),
      0,
    );
    return scheduler;
  }
  function spoilThree(scheduler: Scheduler, now: number): void {
    const taken = ['a', 'b', 'c'].map(() => spoilOther(scheduler, now));
    expect(new Set(taken).size).toBe(3);
  }
  /** Leaves it taken, so that the next one is another. */
  function spoilOther(scheduler: Scheduler, now: number): string | undefined {
    const taken = scheduler.take(now);
    if (taken !== undefined) {
      scheduler.release(taken.step.drvPath, now);
      scheduler.freePlaces(taken.builder, 1);
      scheduler.spoiled(taken.step.drvPath, taken.builder, 'no space', now);
    }
    return taken === undefined ? undefined : nameOf(taken.step);
  }

  test('is left alone after three different steps, for twice as long each time, and tried with one place', () => {
    const scheduler = createTroubled();
    scheduler.join('bad', offered({ slots: 4 }), false, 0);
    spoilThree(scheduler, 0);

    expect(scheduler.roster.builder('bad')?.quarantine).toMatchObject({ until: 10_000, failures: 3 });
    expect(scheduler.take(9_999)).toBeUndefined();
    expect(scheduler.nextChange(9_999)).toBe(10_000);
    spoilOther(scheduler, 10_000);
    expect(scheduler.roster.builder('bad')?.quarantine?.until).toBe(30_000);
    expect(order(scheduler, 30_000)).toHaveLength(1);
    scheduler.roster.wentWell('bad');
    expect(scheduler.roster.builder('bad')).toMatchObject({ isOnProbation: false, strikes: 0 });
  });

  test('stays in quarantine when what it began before ends well', () => {
    const scheduler = createTroubled();
    scheduler.join('bad', offered({ slots: 4 }), false, 0);
    spoilThree(scheduler, 0);

    scheduler.roster.wentWell('bad');
    scheduler.take(10_000);

    expect(scheduler.roster.builder('bad')).toMatchObject({ isOnProbation: true, strikes: 1 });
  });

  test('is not blamed for one step that goes wrong again and again', () => {
    const scheduler = createScheduler(RULES);
    scheduler.join('ant', offered(), false, 0);
    scheduler.add([job(1, 'app')], [planned('app')], 0);

    expect(Array.from({ length: 9 }, () => spoil(scheduler, 0))).toEqual(Array(9).fill('ant'));

    expect(scheduler.roster.builder('ant')?.quarantine).toBeNull();
  });

  test('does not keep others from working, however fast it seems', () => {
    const scheduler = createTroubled();
    scheduler.join('good', offered(), false, 0);
    let spoils = 0;
    for (let now = 0; scheduler.graph.stepCount > 0; now += 1_000) {
      const taken = scheduler.take(now);
      expect(taken).toBeDefined();
      const { drvPath, jobs } = taken?.step ?? { drvPath: drv(''), jobs: [] };
      scheduler.release(drvPath, now);
      scheduler.freePlaces(taken?.builder ?? '', 1);
      if (taken?.builder === 'bad') {
        spoils += 1;
        scheduler.spoiled(drvPath, 'bad', 'no space', now);
        scheduler.putBack(drvPath, { wasDispatched: true }, now);
      } else {
        scheduler.forget(jobs, now);
        scheduler.finish(drvPath, 'good', now);
      }
    }

    expect(spoils).toBeLessThanOrEqual(3);
  });

  test('gets its work when its time is over at the very moment at which that would be given up', () => {
    const scheduler = createScheduler({ ...RULES, builderWaitMs: 10_000 });
    scheduler.join('bad', offered(), false, 0);
    scheduler.add(
      ['a', 'b', 'c', 'd'].map((name, id) => job(id, name)),
      ['a', 'b', 'c', 'd'].map((name) => planned(name)),
      0,
    );
    spoilThree(scheduler, 0);

    expect(lostOf(scheduler, 10_000)).toEqual([]);
    expect(order(scheduler, 10_000)).toHaveLength(1);
  });
});

test('a builder that was removed and comes again has no more places than it says', () => {
  const scheduler = createScheduler(RULES);
  scheduler.join('ant', offered(), false, 0);
  scheduler.add([job(1, 'a'), job(2, 'b'), job(3, 'c')], [planned('a'), planned('b'), planned('c')], 0);
  scheduler.take(0);
  scheduler.remove('ant', 1);
  scheduler.join('ant', offered(), false, 2);

  expect(scheduler.take(2)).toBeUndefined();
  scheduler.freePlaces('ant', 1);
  expect(order(scheduler, 2)).toHaveLength(1);
});

test('a build that went on while we were away keeps what it makes from others', () => {
  const scheduler = createScheduler(RULES);
  scheduler.join('ant', offered({ slots: 2 }), false, 0);
  scheduler.add(
    [job(1, 'app'), job(2, 'tool')],
    [planned('app', ['lib']), planned('tool', ['lib']), planned('lib')],
    0,
  );

  expect(scheduler.resume(drv('app'), 'ant', 0)).toBe(true);
  expect(scheduler.resume(drv('app'), 'ant', 0)).toBe(false);
  expect(scheduler.take(0)).toBeUndefined();
  scheduler.putBack(drv('app'), { wasDispatched: true }, 1);
  expect(order(scheduler, 1)).toEqual(['lib']);
});

test('short work comes along until a long one is first, and not where it was spoiled', () => {
  const scheduler = createScheduler(RULES);
  scheduler.join('ant', offered(), false, 0);
  scheduler.add(
    [job(1, 'a'), job(2, 'b'), job(3, 'long', { rank: 2 })],
    [planned('a'), planned('b'), planned('long', [], { expectedMs: 60_000 })],
    0,
  );
  scheduler.take(0);

  expect(nameOf(scheduler.takeMore('ant', 2_000, 0)?.step ?? { drvPath: drv('') })).toBe('b');
  expect(scheduler.takeMore('ant', 2_000, 0)).toBeUndefined();
  scheduler.release(drv('b'), 0);
  scheduler.spoiled(drv('b'), 'ant', 'no space', 0);
  scheduler.putBack(drv('b'), { wasDispatched: true }, 0);
  expect(scheduler.takeMore('ant', 2_000, 0)).toBeUndefined();
});

test('what is moved to another line of work is in one line only', () => {
  const scheduler = createScheduler(RULES);
  scheduler.expect('ant', offered(), false, 0);
  scheduler.add([job(1, 'a', { isTrusted: false })], [planned('a')], 0);
  scheduler.add([job(2, 'a')], [planned('a')], 5);

  const lines = [...scheduler.lines.all()];

  expect(
    lines.map((line) => [line.desk.kind.isTrusted, line.size, namesOf(scheduler.lines.stepsOf(line))]),
  ).toEqual([[true, 1, ['a']]]);
  expect(lines.map((line) => scheduler.lines.oldestSince(line))).toEqual([0]);
});

test('a decision looks at no more steps when ten times as many wait', () => {
  /** How often anything asks which of two steps came first, or what one would take. */
  function looks(steps: number): number {
    const scheduler = createScheduler(RULES);
    const names = Array.from({ length: steps }, (_, id) => `step-${id}`);
    scheduler.add(
      names.map((name, id) => job(id, name, { repository: id % 7 })),
      names.map((name) => planned(name)),
      0,
    );
    scheduler.join('ant', MANY, false, 0);
    let count = 0;
    for (const name of names) {
      const step = scheduler.graph.get(drv(name));
      const { age = 0 } = step ?? {};
      Object.defineProperty(step, 'age', {
        get: () => {
          count += 1;
          return age;
        },
      });
    }
    order(scheduler, 0);
    return count;
  }

  const [few, many] = [looks(1_000), looks(10_000)];

  // Ninety-nine are given out; what is left of each repository's line is sorted in once for each, at four levels more.
  expect(many).toBeLessThan(few + 99 * 4 * 4);
});
