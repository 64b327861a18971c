import { setTimeout as sleep } from 'node:timers/promises';
import { flakeOf, NAP } from '../e2e/harness/flake-text.ts';
import { openRoad } from '../e2e/harness/proxy.ts';
import { openBuildersSite } from './builders-site.ts';
import { type Bench, type Figure, toFigure } from './figure.ts';

const SLOW_BYTES_PER_SECOND = 40_000;
// Digits of chance, which compress to half: 2.7 MB in a file of twice that.
const LARGE =
  'for ((i = 0; i < 400000; i++)); do printf %x%x%x%x $RANDOM $RANDOM $RANDOM $RANDOM; done > $out';

export const bench: Bench = {
  about:
    'heartbeats of five seconds, at full length: until a builder behind a road that swallows everything is away; how many builds are lost when it comes back within its grace; whether one is taken for dead while its only sign of life is a transfer of two minutes',
  async *run(): AsyncGenerator<Figure> {
    const house = await openBuildersSite();
    const { site, until, builder } = house;
    try {
      const road = await openRoad('0.0.0.0', () => house.port);
      house.enlist('far', { port: road.port });
      await until(async () => (await builder('far'))?.state === 'ready', 60_000);
      const sha = await site.repository('app').commit({
        'flake.nix': flakeOf(`long = build "long" "${NAP} nap 130; echo long > $out";`),
      });
      await site.poke('app');
      await until(async () => (await builder('far'))?.slots_used === 1, 60_000);
      const from = performance.now();
      road.set('dead');
      await until(async () => (await builder('far'))?.state === 'absent', 200_000);
      yield toFigure({
        name: 'liveness.noticed',
        unit: 's',
        samples: [(performance.now() - from) / 1_000],
        atMost: 100,
      });
      road.set('fair');
      await until(async () => (await site.evaluation('app', sha))?.finished_at !== null, 300_000);
      const back = await site.ended('app', sha);
      yield toFigure({
        name: 'liveness.builds-lost',
        unit: '',
        samples: [back.outcome === 'success' ? 0 : 1],
        atMost: 0,
      });
      const before = losses(site.coordinator().log());
      const slowly = await site.repository('app').commit({
        'flake.nix': flakeOf(`large = build "large" "${LARGE}";`),
      });
      await site.poke('app');
      await until(async () => (await builder('far'))?.slots_used === 1, 60_000);
      await sleep(5_000);
      road.set({ bytesPerSecond: SLOW_BYTES_PER_SECOND });
      await until(async () => (await site.evaluation('app', slowly))?.finished_at !== null, 600_000);
      yield toFigure({
        name: 'liveness.falsely-away',
        unit: '',
        samples: [losses(site.coordinator().log()) - before],
        atMost: 0,
      });
      road.close();
    } finally {
      await house.close();
    }
  },
};

function losses(log: string): number {
  return log.match(/a builder went away/g)?.length ?? 0;
}
