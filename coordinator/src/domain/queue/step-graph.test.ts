import type { JobId } from '@argunix/shared/domain/ids';
import { describe, expect, test } from 'vitest';
import { queuedDrv as drv, queuedJob as job, nameOf, namesOf, planned } from '../../../test/queue-fixture.ts';
import { createClaims } from './claims.ts';
import type { Step } from './step.ts';
import { createStepGraph, type StepGraph } from './step-graph.ts';

interface Tried {
  readonly graph: StepGraph;
  /** By name. */
  readonly ready: () => readonly string[];
  readonly step: (name: string) => Step;
  /** As when its build has ended and that is stored. */
  readonly end: (name: string) => readonly string[];
}

function createTried(): Tried {
  const ready = new Set<Step>();
  // A place in line is what makes a step ready; who keeps the lines sets it.
  const graph = createStepGraph(createClaims(), {
    enter: (one) => {
      ready.add(one);
      const { claims, bumpedAt } = one;
      one.place = { step: one, kindId: 0, claims, pathMs: 0, bumpedAt, readySince: 0, isVoid: false };
    },
    leave: (one) => {
      ready.delete(one);
      one.place = undefined;
    },
    lowered: () => undefined,
  });
  function step(name: string): Step {
    const found = graph.get(drv(name));
    if (found === undefined) {
      throw new Error(`expected ${name} in the graph`);
    }
    return found;
  }
  return {
    graph,
    ready: () => namesOf(ready),
    step,
    end: (name) => {
      graph.forget(step(name).jobs);
      return namesOf(graph.finish(step(name), 'ant'));
    },
  };
}

/** Two evaluations that share `lib`, which no job names. */
function createShared(): Tried {
  const tried = createTried();
  tried.graph.add([job(1, 'app')], [planned('app', ['lib']), planned('lib')]);
  tried.graph.add([job(2, 'tool', { evaluation: 2 })], [planned('tool', ['lib']), planned('lib')]);
  return tried;
}

describe('what is a step', () => {
  test('a derivation that one step needs is inside it', () => {
    const { graph, ready, step } = createTried();

    graph.add([job(1, 'app')], [planned('app', ['lib']), planned('lib', ['libc']), planned('libc')]);

    expect(nameOf(step('libc').within)).toBe('app');
    expect(ready()).toEqual(['app']);
    expect(graph.stepCount).toBe(1);
  });

  test('a derivation that two jobs need is a step of its own, and both wait for it', () => {
    const { graph, ready, end } = createTried();

    graph.add(
      [job(1, 'app'), job(2, 'tool')],
      [planned('app', ['lib']), planned('tool', ['lib']), planned('lib')],
    );

    expect(ready()).toEqual(['lib']);
    expect([graph.stepCount, graph.namedCount]).toEqual([3, 2]);
    end('lib');
    expect(ready()).toEqual(['app', 'tool']);
  });

  test('what is inside comes out when a second evaluation needs it, and the first one waits again', () => {
    const { ready, step } = createShared();

    expect(step('lib').within).toBe(step('lib'));
    expect(ready()).toEqual(['lib']);
  });

  test('a step waits again when something inside it is seen to need more', () => {
    const { graph, ready } = createTried();
    graph.add([job(1, 'app')], [planned('app', ['lib']), planned('lib')]);

    graph.add([job(2, 'libc')], [planned('lib', ['libc']), planned('libc')]);

    expect(ready()).toEqual(['libc']);
  });

  test('what is needed by two derivations inside one step stays inside', () => {
    const { graph, step } = createTried();

    graph.add(
      [job(1, 'app')],
      [
        planned('app', ['left', 'right']),
        planned('left', ['lib']),
        planned('right', ['lib']),
        planned('lib'),
      ],
    );

    expect(nameOf(step('lib').within)).toBe('app');
  });

  test('what another system or feature is needed for is a step, what anybody can have is not', () => {
    const { graph } = createTried();

    graph.add(
      [job(1, 'app')],
      [
        planned('app', ['arm', 'vm', 'source']),
        planned('arm', [], { system: 'aarch64-linux' }),
        planned('vm', [], { requiredFeatures: ['kvm'] }),
        planned('source', [], { system: 'builtin' }),
      ],
    );

    expect(namesOf(graph.all())).toEqual(['app', 'arm', 'vm']);
  });

  test('a derivation that nobody wants by the time it was looked at is not there', () => {
    const { graph, ready } = createTried();

    graph.add([job(1, 'app')], [planned('app'), planned('cancelled', ['lib']), planned('lib')]);

    expect(ready()).toEqual(['app']);
    expect(graph.stepCount).toBe(1);
  });

  test('derivations that need each other are told, and nothing hangs', () => {
    const { graph, ready, step, end } = createTried();

    const { circular } = graph.add(
      [job(1, 'app')],
      [planned('app', ['egg']), planned('egg', ['hen']), planned('hen', ['egg'])],
    );

    expect(namesOf(circular)).toEqual(['app']);
    expect(ready()).toEqual(['app']);
    graph.take(step('app'));
    end('app');
    expect(graph.stepCount).toBe(0);
  });
});

describe('what a taken step makes along the way', () => {
  test('waits until that one is back when it comes out of it', () => {
    const { graph, ready, step } = createTried();
    graph.add([job(1, 'app')], [planned('app', ['lib']), planned('lib')]);
    graph.take(step('app'));

    graph.add([job(2, 'tool')], [planned('tool', ['lib']), planned('lib')]);

    expect(ready()).toEqual([]);
    expect(namesOf(graph.heldBy(step('lib'), 9))).toEqual(['app']);
    graph.putBack(step('app'));
    expect(ready()).toEqual(['lib']);
  });

  test('is free when that one has ended', () => {
    const { graph, ready, step, end } = createTried();
    graph.add([job(1, 'app')], [planned('app', ['lib']), planned('lib')]);
    graph.take(step('app'));
    graph.add([job(2, 'tool')], [planned('tool', ['lib']), planned('lib')]);

    end('app');

    expect(ready()).toEqual(['lib']);
  });

  test('waits with all that is below it when that one came to need it', () => {
    const { graph, ready, step } = createTried();
    graph.add([job(1, 'app')], [planned('app')]);
    graph.take(step('app'));

    graph.add(
      [job(2, 'lib'), job(3, 'libc')],
      [planned('app', ['lib']), planned('lib', ['libc']), planned('libc')],
    );

    expect(ready()).toEqual([]);
    expect(graph.lostWith(step('lib'))).toEqual([]);
    graph.putBack(step('app'));
    expect(ready()).toEqual(['libc']);
  });

  test('waits again when it was lost meanwhile and comes again, for others or by itself', () => {
    const { graph, ready, step, end } = createTried();
    graph.add([job(1, 'app')], [planned('app', ['lib']), planned('lib')]);
    graph.take(step('app'));
    graph.add([job(2, 'lib')], [planned('lib')]);
    graph.take(step('lib'));
    end('lib');

    graph.add([job(3, 'lib')], [planned('lib')]);
    expect(ready()).toEqual([]);
    graph.forget([job(3, 'lib')]);
    graph.add([job(4, 'tool')], [planned('tool', ['lib']), planned('lib')]);
    expect(ready()).toEqual([]);

    graph.putBack(step('app'));
    expect(ready()).toEqual(['app', 'lib']);
  });

  test('waits when a builder had that one already', () => {
    const { graph, ready, step } = createShared();

    graph.take(step('app'));

    expect(ready()).toEqual([]);
    graph.putBack(step('app'));
    expect(ready()).toEqual(['lib']);
  });
});

describe('jobs', () => {
  test('with one derivation share its step', () => {
    const { graph, step } = createTried();

    graph.add([job(1, 'same')], [planned('same')]);
    graph.add([job(2, 'same', { evaluation: 2 })], [planned('same')]);

    expect(step('same').jobs.map(({ jobId }) => jobId)).toEqual([1, 2]);
    expect([graph.stepCount, graph.namedCount]).toEqual([1, 1]);
  });

  test('are not ended by late news of an earlier attempt', () => {
    const { graph, ready } = createTried();
    graph.add([job(1, 'lib')], [planned('lib')]);
    graph.add([job(1, 'lib', { attempt: 2 })], [planned('lib')]);

    expect(graph.forget([job(1, 'lib')])).toEqual([]);

    expect(graph.has(job(1, 'lib'))).toBe(false);
    expect(graph.has(job(1, 'lib', { attempt: 2 }))).toBe(true);
    expect(ready()).toEqual(['lib']);
  });

  test('are lost with what they need, by the fault of the job of their own evaluation', () => {
    const { graph, step, end, ready } = createTried();
    graph.add(
      [job(1, 'lib'), job(2, 'app'), job(3, 'image'), job(4, 'image', { evaluation: 2 }), job(5, 'other')],
      [planned('lib'), planned('app', ['lib']), planned('image', ['app']), planned('other')],
    );
    graph.take(step('lib'));

    const lost = graph.lostWith(step('lib'));

    expect(lost.map((one) => [one.job.jobId, one.cause?.jobId ?? null])).toEqual([
      [2, 1],
      [3, 1],
      [4, null],
    ]);
    expect(graph.dependentsOf(1 as JobId).map(({ jobId }) => jobId)).toEqual([2, 3]);
    graph.forget(lost.map((one) => one.job));
    end('lib');
    expect(ready()).toEqual(['other']);
  });

  test('that come while the end of their step is stored have it built again', () => {
    const { graph, step, ready } = createTried();
    graph.add([job(1, 'lib')], [planned('lib')]);
    graph.take(step('lib'));
    graph.forget([job(1, 'lib')]);
    graph.add([job(2, 'lib')], [planned('lib')]);

    graph.finish(step('lib'), null);

    expect(ready()).toEqual(['lib']);
  });

  test('that want an internal step are the nearest ones above it', () => {
    const { graph, step } = createShared();

    expect(graph.wantedBy(step('lib'), 9).map(({ jobId }) => jobId)).toEqual([1, 2]);
    expect(graph.wantedBy(step('lib'), 1)).toHaveLength(1);
  });
});

describe('what nobody wants', () => {
  test('goes with the last job, and all that only it needed', () => {
    const { graph } = createShared();

    graph.forget([job(1, 'app')]);
    expect(graph.stepCount).toBe(2);
    graph.forget([job(2, 'tool', { evaluation: 2 })]);

    expect(graph.stepCount).toBe(0);
    expect(graph.get(drv('lib'))).toBeUndefined();
  });

  test('stays when no job names it and a step needs it', () => {
    const { graph, ready } = createTried();
    graph.add([job(1, 'lib'), job(2, 'app')], [planned('lib'), planned('app', ['lib'])]);

    graph.forget([job(1, 'lib')]);

    expect(ready()).toEqual(['lib']);
    expect([graph.stepCount, graph.namedCount]).toEqual([2, 1]);
  });

  test('is told once when it is taken, though two who wanted it go together', () => {
    const { graph, step } = createTried();
    graph.add([job(1, 'lib'), job(2, 'app')], [planned('lib'), planned('app', ['lib'])]);
    graph.take(step('lib'));

    expect(namesOf(graph.forget([job(1, 'lib'), job(2, 'app')]))).toEqual(['lib']);

    expect(graph.putBack(step('lib'))).toEqual([]);
    expect(graph.stepCount).toBe(0);
  });
});

describe('standing', () => {
  test('is that of everything above a step, and only while it is there', () => {
    const { graph, step } = createTried();
    const bumped = job(2, 'tool', { repository: 2, rank: 2, isTrusted: false, bumpedAt: 7 });
    graph.add(
      [job(1, 'app', { rank: 1 }), bumped],
      [planned('app', ['lib']), planned('tool', ['lib'], { expectedMs: 9_000 }), planned('lib')],
    );
    const standingOf = ({ claims, aboveMs, bumpedAt }: Step): unknown => [
      claims.members.map(({ repositoryId, rank }) => [repositoryId, rank]),
      claims.isTrusted,
      aboveMs,
      bumpedAt,
    ];

    expect(standingOf(step('lib'))).toEqual([
      [
        [1, 1],
        [2, 2],
      ],
      true,
      9_000,
      7,
    ]);
    graph.forget([bumped]);
    expect(standingOf(step('lib'))).toEqual([[[1, 1]], true, 1_000, 0]);
  });

  test('comes down for what a stranger still wants when the trusted claim goes', () => {
    const { graph, step } = createTried();
    graph.add([job(1, 'lib')], [planned('lib')]);
    graph.add([job(2, 'lib', { repository: 2, rank: 2, isTrusted: false })], [planned('lib')]);
    expect(step('lib').claims.isTrusted).toBe(true);

    graph.forget([job(1, 'lib')]);

    expect(step('lib').claims.isTrusted).toBe(false);
  });

  test('of a taken step that nobody wanted any more gives nothing to who comes to want it', () => {
    const { graph, step } = createTried();
    graph.add([job(1, 'lib')], [planned('lib')]);
    graph.take(step('lib'));
    graph.forget([job(1, 'lib')]);

    graph.add([job(2, 'lib', { isTrusted: false })], [planned('lib')]);

    expect(step('lib').claims.isTrusted).toBe(false);
  });

  test('keeps the wish to be first when another job of the step goes', () => {
    const { graph, step } = createTried();
    graph.add([job(1, 'app'), job(2, 'app', { evaluation: 2 })], [planned('app', ['lib']), planned('lib')]);
    graph.bump([1 as JobId], 7);

    graph.forget([job(2, 'app', { evaluation: 2 })]);
    expect([step('app').bumpedAt, step('lib').bumpedAt]).toEqual([7, 7]);

    graph.add([job(3, 'app')], [planned('app', ['lib']), planned('lib')]);
    graph.forget([job(1, 'app')]);
    expect([step('app').bumpedAt, step('lib').bumpedAt]).toEqual([0, 0]);
  });
});

test('who has the inputs is named once for each input', () => {
  const { graph, step, end } = createTried();
  graph.add(
    [job(1, 'lib'), job(2, 'app')],
    [planned('lib'), planned('app', ['left', 'right']), planned('left', ['lib']), planned('right', ['lib'])],
  );
  graph.take(step('lib'));

  end('lib');

  expect(step('app').foundAt).toEqual(['ant']);
});
