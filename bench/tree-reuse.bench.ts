import { type Bench, type Figure, sample, toFigure } from './figure.ts';
import { type Again, openPushBench } from './pushed-flake.ts';

const DERIVATIONS = 200;

export const bench: Bench = {
  about: `${DERIVATIONS} jobs that were evaluated and built before, from the poke to the end of their evaluation: the same commit on another branch, and another commit of the same files`,
  async *run(): AsyncGenerator<Figure> {
    const push = await openPushBench({
      repository: { watched_branches: ['**'], eval: { reuse_same_tree: true } },
    });
    try {
      const first = await push.push(DERIVATIONS, ({ status }) => status === 'done');
      if (first.counts.success !== DERIVATIONS || first.finished_at === null) {
        throw new Error(`expected ${DERIVATIONS} built, got ${first.counts.success}`);
      }
      let branches = 0;
      const commits = await sample(async () => {
        branches += 1;
        return takenOver(await push.pushAgain(`again-${branches}`));
      });
      yield toFigure({ name: 'tree-reuse', unit: 'ms', samples: commits, atMost: 1_000 });
      const trees = await sample(async () => takenOver(await push.recommit()));
      yield toFigure({ name: 'tree-reuse.same-files', unit: 'ms', samples: trees, atMost: 1_000 });
      const evaluated = Date.parse(first.building_at ?? '') - Date.parse(first.created_at);
      yield toFigure({ name: 'tree-reuse.evaluated', unit: 'ms', samples: [evaluated] });
    } finally {
      await push.close();
    }
  },
};

function takenOver({ evaluation, elapsedMs }: Again): number {
  if (evaluation.reused_from === null || evaluation.counts.cached !== DERIVATIONS) {
    throw new Error(`expected ${DERIVATIONS} taken over and cached: ${JSON.stringify(evaluation)}`);
  }
  return elapsedMs;
}
