import { type Bench, compare, elapsedMs, type Figure, toFigure } from './figure.ts';
import { openPushBench, type PushBench } from './pushed-flake.ts';

const DERIVATIONS = 200;

export const bench: Bench = {
  about: `${DERIVATIONS} trivial derivations from the push to the end of their evaluation, against one \`nix build\` of all; every run with derivations that no store has`,
  async *run(): AsyncGenerator<Figure> {
    const push = await openPushBench();
    try {
      const { ours, theirs, ratios } = await compare(
        () => pushed(push),
        () => built(push),
      );
      yield toFigure({ name: 'push-to-done', unit: '× nix build', samples: ratios, atMost: 1.5 });
      yield toFigure({ name: 'push-to-done.ours', unit: 'ms', samples: ours });
      yield toFigure({ name: 'push-to-done.nix-build', unit: 'ms', samples: theirs });
    } finally {
      await push.close();
    }
  },
};

/** By the coordinator's own clock, from the making of the evaluation to its end; the poke before it is some 20 ms. */
async function pushed(push: PushBench): Promise<number> {
  const { counts, created_at, finished_at } = await push.push(DERIVATIONS, ({ status }) => status === 'done');
  if (counts.success !== DERIVATIONS || finished_at === null) {
    throw new Error(`expected ${DERIVATIONS} built, got ${counts.success}`);
  }
  return Date.parse(finished_at) - Date.parse(created_at);
}

async function built(push: PushBench): Promise<number> {
  const reference = await push.flake(DERIVATIONS);
  const all = Array.from(
    { length: DERIVATIONS },
    (_, index) => `${reference}#packages.x86_64-linux.p${index}`,
  );
  return await elapsedMs(() => push.nix(['build', '--no-link', ...all]));
}
