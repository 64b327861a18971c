import { join } from 'node:path';
import { type Bench, compare, elapsedMs, type Figure, toFigure } from './figure.ts';
import { openPushBench, type PushBench } from './pushed-flake.ts';

const ATTRIBUTES = 20_000;

export const bench: Bench = {
  about: `a flake of ${ATTRIBUTES} trivial attributes, instantiated: from the queued evaluation to \`building\`, against \`nix eval\` of their drvPaths; every run with derivations that no store has`,
  async *run(): AsyncGenerator<Figure> {
    const push = await openPushBench();
    try {
      const direct = await compare(
        () => evaluated(push),
        () => bare(push, {}),
      );
      yield toFigure({ name: 'eval-overhead', unit: '× bare', samples: direct.ratios, atMost: 1.3 });
      yield toFigure({ name: 'eval-overhead.ours', unit: 'ms', samples: direct.ours });
      yield toFigure({ name: 'eval-overhead.bare', unit: 'ms', samples: direct.theirs });
      const socket = join(push.stateDir, 'evaluations/daemon/socket');
      const byDaemon = await compare(
        () => evaluated(push),
        () => bare(push, { NIX_REMOTE: 'daemon', NIX_DAEMON_SOCKET_PATH: socket }),
      );
      yield toFigure({ name: 'eval-overhead.against-daemon', unit: '× bare', samples: byDaemon.ratios });
      yield toFigure({ name: 'eval-overhead.bare-by-daemon', unit: 'ms', samples: byDaemon.theirs });
    } finally {
      await push.close();
    }
  },
};

async function evaluated(push: PushBench): Promise<number> {
  const evaluation = await push.push(ATTRIBUTES, ({ status }) => status === 'building');
  await push.cancel(evaluation);
  if (evaluation.counts.total !== ATTRIBUTES || evaluation.building_at === null) {
    throw new Error(`expected ${ATTRIBUTES} jobs, got ${evaluation.counts.total}`);
  }
  return Date.parse(evaluation.building_at) - Date.parse(evaluation.created_at);
}

async function bare(push: PushBench, env: Readonly<Record<string, string>>): Promise<number> {
  const reference = await push.flake(ATTRIBUTES);
  return await elapsedMs(() =>
    push.nix(
      [
        ...['eval', '--json', '--no-eval-cache', '--apply', 'builtins.mapAttrs (_: p: p.drvPath)'],
        `${reference}#packages.x86_64-linux`,
      ],
      env,
    ),
  );
}
