import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildGraph, createBuildGraph, type GraphJob } from './build-graph.ts';

function drv(name: string): DerivationPath {
  return `/nix/store/00000000000000000000000000000000-${name}.drv` as DerivationPath;
}
function job(id: number, name: string, evaluation = 1, attempt = 1): GraphJob {
  return {
    jobId: id as JobId,
    attempt,
    evaluationId: evaluation as EvaluationId,
    attr: `packages.${name}`,
    system: 'x86_64-linux',
    drvPath: drv(name),
    outputs: [],
    wasDispatched: false,
  };
}
/** As the dispatcher does when the end of a step is stored. */
function end(graph: BuildGraph, drvPath: DerivationPath, isGood: boolean): readonly GraphJob[] {
  const ended = [
    ...graph.jobsOf(drvPath),
    ...(isGood ? [] : graph.lostWith(drvPath).map((lost) => lost.job)),
  ];
  graph.forget(ended);
  graph.putBack(drvPath);
  return ended;
}
const ids = (jobs: readonly GraphJob[]): readonly number[] => jobs.map(({ jobId }) => jobId).toSorted();

describe('the build graph', () => {
  test('a step waits for what it needs, and no longer', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib'), []]]);
    graph.add([[job(2, 'app'), [drv('lib')]]]);

    expect(graph.heldBy(2 as JobId)).toBe(drv('lib'));
    expect(graph.take(9)).toEqual([drv('lib')]);
    end(graph, drv('lib'), true);

    expect(graph.heldBy(2 as JobId)).toBeUndefined();
    expect(graph.take(9)).toEqual([drv('app')]);
  });

  test('jobs with one derivation are one step', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'same'), []]]);
    graph.add([[{ ...job(2, 'same'), attr: 'checks.same' }, []]]);

    expect(graph.take(9)).toHaveLength(1);
    expect(ids(graph.jobsOf(drv('same')))).toEqual([1, 2]);
  });

  test('a failure takes everything that needs it along and names the job at fault', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib'), []]]);
    graph.add([[job(2, 'app'), [drv('lib')]]]);
    graph.add([[job(3, 'image'), [drv('app')]]]);
    graph.add([[job(4, 'image', 2), []]]);
    graph.add([[job(5, 'other'), []]]);
    graph.take(1);

    const lost = graph.lostWith(drv('lib'));

    expect(lost.map((one) => [one.job.jobId, one.cause?.jobId ?? null])).toEqual([
      [2, 1],
      [3, 1],
      [4, null],
    ]);
    end(graph, drv('lib'), false);
    expect(graph.take(9)).toEqual([drv('other')]);
  });

  test('a step that nobody wants any more frees those that need it', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib', 1), []]]);
    graph.add([[job(2, 'app', 2), [drv('lib')]]]);

    expect(graph.forget([job(1, 'lib')])).toEqual([]);
    expect(graph.take(9)).toEqual([drv('app')]);
  });

  test('a taken step is given up only when its last job is gone, and no other takes its place before', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'same', 1), []]]);
    graph.add([[job(2, 'same', 2), []]]);
    graph.take(1);

    expect(graph.forget([job(1, 'same')])).toEqual([]);
    expect(graph.forget([job(2, 'same')])).toEqual([drv('same')]);
    graph.add([[job(3, 'same', 3), []]]);
    expect(graph.take(1)).toEqual([]);
    graph.putBack(drv('same'));
    expect(graph.take(1)).toEqual([drv('same')]);
  });

  test('late news of an earlier attempt neither ends nor removes the present one', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib'), []]]);
    graph.take(1);
    graph.add([[job(1, 'lib', 1, 2), []]]);

    expect(graph.forget([job(1, 'lib')])).toEqual([]);
    graph.putBack(drv('lib'));

    expect(graph.has(job(1, 'lib'))).toBe(false);
    expect(graph.has(job(1, 'lib', 1, 2))).toBe(true);
    expect(graph.take(1)).toEqual([drv('lib')]);
  });

  test('what a taken step came to need holds it back only when it is put back', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'app', 1), []]]);
    graph.take(1);
    graph.add([
      [job(2, 'lib', 2), []],
      [job(3, 'app', 2), [drv('lib')]],
    ]);

    expect(graph.heldBy(3 as JobId)).toBeUndefined();
    expect(graph.lostWith(drv('lib'))).toEqual([]);
    expect(graph.dependentsOf(2 as JobId)).toEqual([]);
    graph.putBack(drv('app'));
    expect(graph.heldBy(3 as JobId)).toBe(drv('lib'));
    expect(graph.take(9)).toEqual([drv('lib')]);
  });

  test('whatever happens, every job ends once and no step is taken twice at a time', () => {
    const edges = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 60 });
    const moves = fc.array(fc.record({ isGood: fc.boolean(), isSpoiled: fc.boolean(), pick: fc.nat() }), {
      minLength: 60,
      maxLength: 60,
    });
    fc.assert(
      fc.property(edges, moves, fc.array(fc.nat(19), { maxLength: 5 }), (pairs, steps, forgotten) => {
        const graph = createBuildGraph();
        for (let id = 0; id < 20; id += 1) {
          // Two jobs a step, edges from higher to lower numbers: what Nix gives has no cycles.
          const needs = pairs.filter(([from, to]) => from === id && to < id).map(([, to]) => drv(`s${to}`));
          graph.add([
            [job(id, `s${id}`), needs],
            [job(100 + id, `s${id}`, 2), needs],
          ]);
        }
        const ended: number[] = [...forgotten];
        graph.forget(forgotten.map((id) => job(id, `s${id}`)));
        const taken: DerivationPath[] = [];
        for (const { isGood, isSpoiled, pick } of [...steps, ...steps]) {
          for (const drvPath of graph.take(2)) {
            expect(taken).not.toContain(drvPath);
            taken.push(drvPath);
          }
          const [drvPath] = taken.splice(pick % Math.max(taken.length, 1), 1);
          if (drvPath !== undefined && isSpoiled && pick % 7 === 0) {
            graph.putBack(drvPath, { wasDispatched: true });
          } else if (drvPath !== undefined) {
            ended.push(...ids(end(graph, drvPath, isGood)));
          }
        }
        for (let next = [...taken, ...graph.take(99)]; next.length > 0; next = [...graph.take(99)]) {
          ended.push(...next.flatMap((drvPath) => ids(end(graph, drvPath, true))));
        }
        expect(new Set(ended).size).toBe(40);
        expect(ended.filter((id) => !forgotten.includes(id))).toHaveLength(40 - new Set(forgotten).size);
      }),
      { numRuns: 200 },
    );
  });
});
