import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBuildGraph, type GraphJob } from './build-graph.ts';

function drv(name: string): DerivationPath {
  return `/nix/store/00000000000000000000000000000000-${name}.drv` as DerivationPath;
}
function job(id: number, name: string, evaluation = 1): GraphJob {
  return {
    jobId: id as JobId,
    attempt: 1,
    evaluationId: evaluation as EvaluationId,
    attr: `packages.${name}`,
    drvPath: drv(name),
  };
}

describe('the build graph', () => {
  test('a step waits for what it needs, and no longer', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib'), []]]);
    graph.add([[job(2, 'app'), [drv('lib')]]]);

    expect(graph.ready()).toEqual([drv('lib')]);
    expect(graph.heldBy(2 as JobId)).toBe(drv('lib'));
    graph.take(1);
    graph.end(drv('lib'), true);

    expect(graph.ready()).toEqual([drv('app')]);
    expect(graph.heldBy(2 as JobId)).toBeUndefined();
  });

  test('jobs with one derivation are one step', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'same'), []]]);
    graph.add([[{ ...job(2, 'same'), attr: 'checks.same' }, []]]);

    expect(graph.take(9)).toHaveLength(1);
    expect(graph.end(drv('same'), true).jobs.map(({ jobId }) => jobId)).toEqual([1, 2]);
  });

  test('a failure takes everything that needs it along and names the job at fault', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib'), []]]);
    graph.add([[job(2, 'app'), [drv('lib')]]]);
    graph.add([[job(3, 'image'), [drv('app')]]]);
    graph.add([[job(4, 'other'), []]]);

    const { dependents } = graph.end(drv('lib'), false);

    expect(dependents.map(({ job: { jobId } }) => jobId).toSorted()).toEqual([2, 3]);
    expect(dependents.map(({ cause }) => cause?.jobId)).toEqual([1, 1]);
    expect(graph.ready()).toEqual([drv('other')]);
  });

  test('a step that nobody wants any more frees those that need it', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'lib', 1), []]]);
    graph.add([[job(2, 'app', 2), [drv('lib')]]]);

    expect(graph.forget([1 as JobId])).toEqual([]);
    expect(graph.ready()).toEqual([drv('app')]);
  });

  test('a taken step is given up only when its last job is gone', () => {
    const graph = createBuildGraph();
    graph.add([[job(1, 'same', 1), []]]);
    graph.add([[job(2, 'same', 2), []]]);
    graph.take(1);

    expect(graph.forget([1 as JobId])).toEqual([]);
    expect(graph.forget([2 as JobId])).toEqual([drv('same')]);
  });

  test('whatever happens, every job ends once and no step is taken twice at a time', () => {
    const edges = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 60 });
    const moves = fc.array(fc.record({ good: fc.boolean(), putBack: fc.boolean(), pick: fc.nat() }), {
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
        graph.forget(forgotten.map((id) => id as JobId));
        const taken: DerivationPath[] = [];
        for (const { good, putBack, pick } of [...steps, ...steps]) {
          for (const { drvPath } of graph.take(2)) {
            expect(taken).not.toContain(drvPath);
            taken.push(drvPath);
          }
          const [drvPath] = taken.splice(pick % Math.max(taken.length, 1), 1);
          if (drvPath === undefined) {
            continue;
          }
          if (putBack && pick % 7 === 0) {
            graph.putBack(drvPath);
            continue;
          }
          const end = graph.end(drvPath, good);
          ended.push(
            ...end.jobs.map(({ jobId }) => jobId),
            ...end.dependents.map(({ job: { jobId } }) => jobId),
          );
        }
        for (let next = [...taken, ...graph.take(99).map(({ drvPath }) => drvPath)]; next.length > 0; ) {
          ended.push(...next.flatMap((drvPath) => graph.end(drvPath, true).jobs.map(({ jobId }) => jobId)));
          next = graph.take(99).map(({ drvPath }) => drvPath);
        }
        expect(new Set(ended).size).toBe(40);
        expect(ended.filter((id) => !forgotten.includes(id))).toHaveLength(40 - new Set(forgotten).size);
      }),
      { numRuns: 200 },
    );
  });
});
