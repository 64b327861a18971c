/** Several builders, what two jobs share, what failed before, and what nobody can build. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { JobId } from '@argunix/shared/domain/ids';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDispatching, type Dispatching, type DispatchingOptions } from '../../test/dispatching.ts';
import { createFakeBuilder, type FakeBuilder } from '../../test/fakes/fake-builder.ts';
import { createFakeFleet } from '../../test/fakes/fake-fleet.ts';
import { building, drvPath, newJob, openStores } from '../../test/store-fixture.ts';
import { until } from '../../test/until.ts';
import type { BuilderOffer } from '../domain/builder-offer.ts';
import { cancelEvaluation } from './cancel-evaluation.ts';
import { createDispatcher } from './dispatch-steps.ts';
import { restartJob } from './restart-job.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let made: Dispatching;
beforeEach(async () => {
  stores = await openStores();
});
afterEach(async () => {
  await made.dispatcher.stop();
  await stores.close();
});

function builderNamed(name: string, offer: Partial<BuilderOffer> = {}): FakeBuilder {
  const fake = createFakeBuilder(1);
  return { ...fake, name, offer: { ...fake.offer, ...offer } };
}
async function start(builders: readonly FakeBuilder[], options: DispatchingOptions = {}): Promise<void> {
  made = createDispatching(stores, createFakeFleet(builders, ['laptop']), options);
  await made.dispatcher.start();
}
const table = (evaluationId: number): Record<string, string> =>
  Object.fromEntries(
    stores.views.jobs({ evaluationId, limit: 100 }).map(({ attr, status }) => [attr, status]),
  );
const done = (id: number) =>
  until('the evaluation is done', () => stores.views.evaluation(id)?.status === 'done');
const given = (builder: FakeBuilder, ...names: readonly string[]) =>
  until(`${builder.name} has ${names.join(', ')}`, () =>
    names.every((name) => builder.open().includes(name)),
  );
const first = (jobIds: readonly JobId[]): JobId => jobIds[0] ?? (0 as JobId);
const failed = { kind: 'failed', reason: 'builder failed with exit code 1', exitCode: 1 } as const;

describe('what two jobs share', () => {
  test('is built once, as a step of its own, before both', async () => {
    const [one, other] = [builderNamed('one'), builderNamed('other')];
    await start([one, other]);
    const { id } = await building(stores, ['app', 'tool']);
    made.store.inputs.set(drvPath('app'), [drvPath('shared')]);
    made.store.inputs.set(drvPath('tool'), [drvPath('shared')]);

    await made.dispatcher.adopt(id);
    await until('shared is given out', () => [...one.open(), ...other.open()].includes('shared'));
    expect([...one.open(), ...other.open()]).toEqual(['shared']);
    const holder = one.open().length > 0 ? one : other;
    const [running] = made.dispatcher.snapshot(10).running;
    expect(running).toMatchObject({ drvPath: drvPath('shared'), isInternal: true, jobCount: 2 });
    holder.finish('shared');
    await until('both follow', () => [...one.open(), ...other.open()].toSorted().join() === 'app,tool');
    for (const builder of [one, other]) {
      builder.finish(builder.open()[0] ?? 'nothing');
    }
    await done(id);

    expect(table(id)).toEqual({ app: 'success', tool: 'success' });
    expect([...one.given, ...other.given].toSorted()).toEqual(['app', 'shared', 'tool']);
  });

  test('takes both along when it fails, and its log is theirs', async () => {
    const one = builderNamed('one');
    await start([one]);
    const { id, jobIds } = await building(stores, ['app', 'tool']);
    made.store.inputs.set(drvPath('app'), [drvPath('shared')]);
    made.store.inputs.set(drvPath('tool'), [drvPath('shared')]);
    await made.dispatcher.adopt(id);
    await given(one, 'shared');

    one.finish('shared', failed);
    await done(id);

    expect(table(id)).toEqual({ app: 'dependency_failed', tool: 'dependency_failed' });
    expect(stores.views.job(first(jobIds))?.reason).toMatch(/^It needs shared, which failed\./);
    expect(stores.jobs.find(first(jobIds))?.leaseId).not.toBeNull();
  });

  test('is not built beside the job that makes it along the way', async () => {
    const [one, other] = [builderNamed('one'), builderNamed('other')];
    await start([one, other]);
    const early = await building(stores, ['app'], 'a');
    made.store.inputs.set(drvPath('app'), [drvPath('shared')]);
    made.store.inputs.set(drvPath('tool'), [drvPath('shared')]);
    await made.dispatcher.adopt(early.id);
    await until('app is given out', () => [...one.open(), ...other.open()].includes('app'));

    const late = await building(stores, ['tool'], 'b');
    await made.dispatcher.adopt(late.id);

    expect([...one.open(), ...other.open()]).toEqual(['app']);
    expect(made.dispatcher.why(first(late.jobIds))?.kind).toBe('needs');
    (one.open().includes('app') ? one : other).finish('app');
    await until('shared is given out', () => [...one.open(), ...other.open()].includes('shared'));
    (one.open().includes('shared') ? one : other).finish('shared', { kind: 'substituted' });
    await until('tool is given out', () => [...one.open(), ...other.open()].includes('tool'));
    (one.open().includes('tool') ? one : other).finish('tool');
    await done(late.id);
    expect([table(early.id), table(late.id)]).toEqual([{ app: 'success' }, { tool: 'success' }]);
  });

  test('is stopped when the last job that needs it is gone', async () => {
    const one = builderNamed('one');
    await start([one]);
    const { id } = await building(stores, ['app', 'tool']);
    made.store.inputs.set(drvPath('app'), [drvPath('shared')]);
    made.store.inputs.set(drvPath('tool'), [drvPath('shared')]);
    await made.dispatcher.adopt(id);
    await given(one, 'shared');

    await cancelEvaluation(made.ports, id, 'not wanted');

    await until('it was stopped', () => one.open().length === 0 && made.dispatcher.slotsUsed === 0);
    await until('its lease has ended', () => stores.jobs.activeLeases().length === 0);
    expect(table(id)).toEqual({ app: 'cancelled', tool: 'cancelled' });
  });
});

describe('what failed not long ago', () => {
  test('fails again without being built, names the first failure, and takes along what needs it', async () => {
    const one = builderNamed('one');
    await start([one]);
    const before = await building(stores, ['lib'], 'a');
    await made.dispatcher.adopt(before.id);
    await given(one, 'lib');
    one.finish('lib', failed);
    await done(before.id);

    made.store.inputs.set(drvPath('app'), [drvPath('lib')]);
    const after = await building(stores, ['lib', 'app'], 'b');
    await made.dispatcher.adopt(after.id);
    await done(after.id);

    expect(table(after.id)).toEqual({ lib: 'failure', app: 'dependency_failed' });
    expect(one.given).toEqual(['lib']);
    expect(stores.views.job(first(after.jobIds))?.reason).toContain('not built again');
  });

  test.each([
    ['a death by signal', { kind: 'failed', reason: 'killed by signal 11', exitCode: null } as const],
    ['a limit', { kind: 'timed_out', reason: 'took longer than 1 s' } as const],
    ['too long a log', { kind: 'over_limit', reason: 'It printed too much.' } as const],
  ])('%s is not remembered', async (_, ending) => {
    const one = builderNamed('one');
    await start([one]);
    const before = await building(stores, ['lib'], 'a');
    await made.dispatcher.adopt(before.id);
    await given(one, 'lib');
    one.finish('lib', ending);
    await done(before.id);

    const after = await building(stores, ['lib'], 'b');
    await made.dispatcher.adopt(after.id);
    await given(one, 'lib');
    one.finish('lib');
    await done(after.id);

    expect(table(after.id)).toEqual({ lib: 'success' });
  });

  test('as a stranger does not count for trusted work', async () => {
    const one = builderNamed('one');
    await start([one]);
    const strange = await building(stores, ['lib'], 'a', { isTrusted: false, prNumber: 1 });
    await made.dispatcher.adopt(strange.id);
    await given(one, 'lib');
    one.finish('lib', failed);
    await done(strange.id);

    const trusted = await building(stores, ['lib'], 'b');
    await made.dispatcher.adopt(trusted.id);
    await given(one, 'lib');
    one.finish('lib');
    await done(trusted.id);

    expect([table(strange.id), table(trusted.id)]).toEqual([{ lib: 'failure' }, { lib: 'success' }]);
  });

  test('on a builder without the sandbox does not count for trusted work', async () => {
    const one = builderNamed('one', { isSandboxed: false });
    await start([one]);
    for (const digit of ['a', 'b']) {
      const { id } = await building(stores, ['lib'], digit);
      await made.dispatcher.adopt(id);
      await given(one, 'lib');
      one.finish('lib', failed);
      await done(id);
    }
    expect(one.given).toEqual(['lib', 'lib']);
  });

  test('is built when somebody restarts its job', async () => {
    const one = builderNamed('one');
    await start([one]);
    made.store.valid.add(drvPath('lib'));
    for (const digit of ['a', 'b']) {
      const { id } = await building(stores, ['lib'], digit);
      await made.dispatcher.adopt(id);
      if (digit === 'a') {
        await given(one, 'lib');
        one.finish('lib', failed);
      }
      await done(id);
    }
    const { id, jobIds } = await building(stores, ['lib'], 'c');
    await made.dispatcher.adopt(id);
    await done(id);

    expect(await restartJob(made.ports, first(jobIds))).toEqual({ kind: 'done' });
    await given(one, 'lib');
    one.finish('lib');
    await done(id);

    expect(table(id)).toEqual({ lib: 'success' });
  });
});

describe('builders of different kinds', () => {
  test('what nobody could ever build is unsupported at once, with what each of them lacks', async () => {
    const one = builderNamed('one');
    const plain = builderNamed('plain', { slots: 2 });
    await start([one, plain]);
    const { id, jobIds } = await building(stores, ['vm', 'other']);
    made.store.features.set(drvPath('vm'), ['kvm']);

    await made.dispatcher.adopt(id);
    await until('vm has ended', () => table(id)['vm'] === 'unsupported');

    expect(stores.views.job(first(jobIds))?.reason).toBe(
      'No builder can build x86_64-linux with kvm: one lacks kvm; plain lacks kvm. Add a builder that can, then restart the job.',
    );
    await until('other is given out', () => [...one.open(), ...plain.open()].includes('other'));
    (one.open().includes('other') ? one : plain).finish('other');
    await done(id);
    expect(table(id)).toEqual({ vm: 'unsupported', other: 'success' });
  });

  test('work goes where the features are, and no idle builder without them holds it up', async () => {
    const plain = builderNamed('plain');
    const strong = builderNamed('strong', { features: ['kvm'] });
    await start([plain, strong]);
    const { id } = await building(stores, ['vm', 'a', 'b']);
    made.store.features.set(drvPath('vm'), ['kvm']);
    await made.dispatcher.adopt(id);
    await given(strong, 'vm');
    await given(plain, 'a');
    strong.finish('vm');
    await until('b is given out', () => [...plain.open(), ...strong.open()].includes('b'));
    for (const builder of [plain, strong]) {
      for (const name of builder.open()) {
        builder.finish(name);
      }
    }
    await done(id);

    expect(table(id)).toEqual({ vm: 'success', a: 'success', b: 'success' });
  });

  test('work waits for a builder that left, says so, and ends as an error when it stays away', async () => {
    const one = builderNamed('one');
    await start([one], { settings: { builderWaitMs: 300 } });
    made.fleet.leave('one');
    const { id, jobIds } = await building(stores, ['a']);
    await made.dispatcher.adopt(id);

    expect(made.dispatcher.why(first(jobIds))).toMatchObject({
      kind: 'absent',
      sentence: 'Nobody who can build for x86_64-linux is here now: one is away.',
    });
    await done(id);

    expect(table(id)).toEqual({ a: 'error' });
    expect(stores.views.job(first(jobIds))?.reason).toContain(
      'No builder for x86_64-linux came back in time',
    );
  });

  test('work for one that is expected to be away waits without end, and begins when it is back', async () => {
    const laptop = builderNamed('laptop');
    await start([laptop], { settings: { builderWaitMs: 1 } });
    made.fleet.leave('laptop');
    const { id, jobIds } = await building(stores, ['a']);
    await made.dispatcher.adopt(id);

    expect(made.dispatcher.why(first(jobIds))).toMatchObject({ kind: 'absent', until: null });
    made.fleet.join(laptop);
    await given(laptop, 'a');
    laptop.finish('a');
    await done(id);
    expect(table(id)).toEqual({ a: 'success' });
  });

  test('a builder that is said to be away later is waited for without end, and no longer when that is taken back', async () => {
    const expected: string[] = [];
    const one = builderNamed('one');
    made = createDispatching(stores, createFakeFleet([one], expected), { settings: { builderWaitMs: 500 } });
    await made.dispatcher.start();
    made.fleet.leave('one');
    const { id, jobIds } = await building(stores, ['a']);
    await made.dispatcher.adopt(id);

    expected.push('one');
    made.dispatcher.reconsider();
    expect(made.dispatcher.why(first(jobIds))).toMatchObject({ kind: 'absent', until: null });
    expected.pop();
    made.dispatcher.reconsider();
    await done(id);

    expect(table(id)).toEqual({ a: 'error' });
  });

  test("a stranger's work begins where the sandbox is off once that is allowed, and what runs is left alone", async () => {
    let isAllowed = false;
    const settings = {
      get allowsUnsandboxedUntrusted() {
        return isAllowed;
      },
      builderWaitMs: 60_000,
      spillGraceMs: 60_000,
      quarantineMs: 60_000,
      weightOf: () => 1,
    };
    const [open, away] = [builderNamed('open', { isSandboxed: false }), builderNamed('away')];
    const fleet = createFakeFleet([open, away]);
    made = createDispatching(stores, fleet);
    made = { ...made, dispatcher: createDispatcher({ ...made.ports, fleet, settings }) };
    await made.dispatcher.start();
    made.fleet.leave('away');
    const { id } = await building(stores, ['a'], '1', { isTrusted: false });
    await made.dispatcher.adopt(id);
    expect(open.open()).toEqual([]);

    isAllowed = true;
    made.dispatcher.reconsider();
    await given(open, 'a');
    isAllowed = false;
    made.dispatcher.reconsider();
    open.finish('a');
    await done(id);

    expect(table(id)).toEqual({ a: 'success' });
  });

  test('a builder that spoils everything is quarantined, and the others do its work', async () => {
    const bad = builderNamed('bad', { speedFactor: 10 });
    const good = builderNamed('good');
    await start([bad, good], { retries: 5 });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { id } = await building(stores, names);
    await made.dispatcher.adopt(id);
    await until(
      'everything is done',
      () => {
        for (const name of bad.open()) {
          bad.finish(name, { kind: 'infrastructure', reason: 'the disk is full' });
        }
        for (const name of good.open()) {
          good.finish(name);
        }
        return stores.views.evaluation(id)?.status === 'done';
      },
      10_000,
    );

    expect(Object.values(table(id))).toEqual(names.map(() => 'success'));
    expect(made.dispatcher.builders().find(({ name }) => name === 'bad')).toMatchObject({
      state: 'quarantined',
      quarantine: { reason: 'the disk is full' },
    });
  });

  test('what comes back because it would have waited for another goes to whoever is free', async () => {
    const [one, other] = [builderNamed('one'), builderNamed('other')];
    await start([one, other]);
    const { id } = await building(stores, ['a']);
    await made.dispatcher.adopt(id);
    await until('a is given out', () => [...one.open(), ...other.open()].includes('a'));
    (one.open().includes('a') ? one : other).finish('a', { kind: 'returned' });
    await until('a is given out again', () => [...one.open(), ...other.open()].includes('a'));
    (one.open().includes('a') ? one : other).finish('a', { kind: 'substituted' });
    await done(id);

    expect(table(id)).toEqual({ a: 'cached' });
  });
});

describe('after a restart of the coordinator', () => {
  test('a cache that does not answer about one evaluation holds nothing of the start up but what is given out', async () => {
    const one = builderNamed('one');
    const asked = Promise.withResolvers<{ readonly kind: 'unknown'; readonly reason: string }>();
    made = createDispatching(stores, createFakeFleet([]), { buildPlan: { plan: () => asked.promise } });
    const { id } = await building(stores, ['a']);
    const started = made.dispatcher.start([id]);
    made.fleet.join(one);

    expect(made.dispatcher.builders()).toEqual([]);
    asked.resolve({ kind: 'unknown', reason: 'the cache does not answer' });
    await started;
    await given(one, 'a');
    one.finish('a');
    await done(id);

    expect(table(id)).toEqual({ a: 'success' });
  });

  test('a build that an agent went on with is taken up again, and built once', async () => {
    const agent = builderNamed('agent');
    await start([agent]);
    const { id } = await building(stores, ['slow']);
    await made.dispatcher.adopt(id);
    await given(agent, 'slow');
    const [lease] = stores.jobs.activeLeases();

    // As after a kill -9: nothing of the old dispatcher says another word, and the agent is not yet back.
    const before = made;
    made = createDispatching(stores, createFakeFleet([]));
    made.fleet.join(agent);
    made.fleet.leave('agent');
    await made.dispatcher.adopt(id);
    await made.dispatcher.start();
    expect(made.dispatcher.slotsUsed).toBe(1);
    let end = (): void => undefined;
    made.fleet.join(agent, [
      {
        leaseId: lease?.id ?? (0 as never),
        resume: (observer) =>
          new Promise((resolve) => {
            end = () => {
              observer.ended(lease?.id ?? (0 as never), { kind: 'built' });
              resolve();
            };
          }),
      },
    ]);
    end();
    await done(id);

    expect(table(id)).toEqual({ slow: 'success' });
    expect(agent.given).toEqual(['slow']);
    expect(made.dispatcher.slotsUsed).toBe(0);
    await before.dispatcher.stop();
  });

  test.each(['comes back without it', 'stays away'])(
    'a build whose builder %s is built again',
    async (how) => {
      const agent = builderNamed('agent');
      const other = builderNamed('other');
      await start([agent]);
      const { id } = await building(stores, ['slow']);
      await made.dispatcher.adopt(id);
      await given(agent, 'slow');

      const before = made;
      made = createDispatching(stores, createFakeFleet([]), { settings: { builderWaitMs: 200 } });
      made.fleet.join(agent);
      made.fleet.leave('agent');
      made.fleet.join(other);
      await made.dispatcher.adopt(id);
      await made.dispatcher.start();
      if (how === 'comes back without it') {
        made.fleet.join(builderNamed('agent', { slots: 0 }), []);
      }
      await given(other, 'slow');
      other.finish('slow');
      await done(id);

      expect(table(id)).toEqual({ slow: 'success' });
      expect(stores.jobs.activeLeases()).toEqual([]);
      await before.dispatcher.stop();
    },
  );
});

test('an evaluation that is tried again by hand builds what failed before', async () => {
  const one = builderNamed('one');
  await start([one]);
  const { id } = await building(stores, ['lib'], 'a');
  await made.dispatcher.adopt(id);
  await given(one, 'lib');
  one.finish('lib', failed);
  await done(id);

  const again = await stores.evaluations.restart(id, toEpochMs(2));
  if (again === undefined) {
    throw new Error('the evaluation was not restarted');
  }
  await stores.evaluations.begin(again, toEpochMs(1));
  await stores.jobs.insert(again, [newJob('lib')], toEpochMs(1));
  await stores.evaluations.startBuilding(again, toEpochMs(1));
  await made.dispatcher.adopt(again);
  await given(one, 'lib');
  one.finish('lib');
  await done(again);

  expect(table(again)).toEqual({ lib: 'success' });
});
