import { setTimeout as sleep } from 'node:timers/promises';
import { SANDBOXED } from '../e2e/harness/coordinator.ts';
import { flakeOf } from '../e2e/harness/flake-text.ts';
import { openBuildersSite } from './builders-site.ts';
import { type Bench, elapsedMs, type Figure, toFigure } from './figure.ts';
import { memoryOf, namedPartsOf } from './host-processes.ts';

const BUILDERS = ['one', 'two', 'three', 'four'];
// 64 MiB of digits, sixteen times.
const GIBIBYTE =
  'x=0123456789abcdef; for i in {1..22}; do x=$x$x; done; for i in {1..16}; do printf %s $x; done > $out';
const POKE_EVERY_MS = 50;
const PATIENCE_MS = 900_000;

export const bench: Bench = {
  about:
    'one path of 1 GiB is built by one builder, fetched from it, and brought to four others at once over SSH: memory of each part of the coordinator, and of all of them together, while that moves, and how long webhooks wait for their answer meanwhile',
  async *run(): AsyncGenerator<Figure> {
    const house = await openBuildersSite({
      nixConfig: `${SANDBOXED}system-features = ${['maker', ...BUILDERS].join(' ')}\n`,
    });
    const { site } = house;
    try {
      for (const name of ['maker', ...BUILDERS]) {
        house.enlist(name, { nixConfig: `${SANDBOXED}system-features = ${name}\n` });
      }
      for (const name of ['maker', ...BUILDERS]) {
        await house.until(async () => (await house.builder(name))?.state === 'ready', 60_000);
      }
      const big = `buildWith { requiredSystemFeatures = [ "maker" ]; } "big" "${GIBIBYTE}"`;
      const sha = await site.repository('app').commit({
        'flake.nix': flakeOf(
          `big = ${big};
           ${BUILDERS.map((name) => `${name} = buildWith { requiredSystemFeatures = [ "${name}" ]; big = self.packages.x86_64-linux.big; } "${name}" "echo $big > $out";`).join('\n')}`,
        ),
      });
      const parts = namedPartsOf(site.coordinator().process.pid ?? 0);
      const pids = [...parts.values()];
      const together: number[] = [];
      const each = new Map([...parts.keys()].map((part) => [part, [] as number[]]));
      const answers: number[] = [];
      await site.poke('app');
      const deadline = performance.now() + PATIENCE_MS;
      while (((await site.evaluation('app', sha))?.finished_at ?? null) === null) {
        if (performance.now() > deadline) {
          throw new Error(`waited in vain\n${site.coordinator().log().slice(-4_000)}`);
        }
        together.push(memoryOf(pids));
        for (const [part, pid] of parts) {
          each.get(part)?.push(memoryOf([pid]));
        }
        answers.push(await elapsedMs(() => site.coordinator().poke('here')));
        await sleep(POKE_EVERY_MS);
      }
      const { outcome } = await site.ended('app', sha);
      if (outcome !== 'success') {
        throw new Error(`the evaluation ended as ${outcome}\n${site.coordinator().log().slice(-4_000)}`);
      }
      yield toFigure({
        name: 'transfer-memory',
        unit: 'MB',
        samples: together,
        statistic: 'max',
        atMost: 250,
      });
      for (const [part, samples] of each) {
        yield toFigure({ name: `transfer-memory.${part}`, unit: 'MB', samples, statistic: 'max' });
      }
      yield toFigure({
        name: 'transfer-memory.webhook-p99',
        unit: 'ms',
        samples: answers,
        statistic: 'p99',
        atMost: 50,
      });
    } finally {
      await house.close();
    }
  },
};
