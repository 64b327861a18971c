import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Bench, toFigure } from './figure.ts';

const LINES = 1_000_000;
// A parallel build of small C files prints some hundred lines a second, a chatty test suite thousands.
const LINES_PER_SECOND = 25_000;
const READERS = { quick: 180, slow: 15, stalled: 5 };
const READER_PROCESSES = 2;
const RUNS = 5;
// On a host with much memory V8 lets the young generation grow to 134 MB, of which this load uses 20: 337 MB without.
const NODE_FLAGS = ['--conditions=source', '--max-semi-space-size=16'];
const DEADLINE_MS = 150_000;

const Started = z.object({ port: z.number() });
const Cost = z.object({
  peakBytes: z.number(),
  delayMs: z.number(),
  worstDelayMs: z.number(),
  cpuMs: z.number(),
});
const Read = z.object({
  hasAll: z.boolean(),
  readers: z.array(
    z.object({ kind: z.string(), last: z.number(), dropped: z.number(), hasEnded: z.boolean() }),
  ),
});
type Reader = z.infer<typeof Read>['readers'][number];

interface Fanout {
  readonly cost: z.infer<typeof Cost>;
  readonly readers: readonly Reader[];
  readonly seconds: number;
}

export const bench: Bench = {
  about: `a log of ${LINES} lines, ${LINES_PER_SECOND} a second, followed over HTTP by ${READERS.quick} readers, ${READERS.slow} slow ones and ${READERS.stalled} that read nothing; Node with --max-semi-space-size=16`,
  async *run() {
    const runs: Fanout[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      runs.push(await fanOut());
    }
    const of = (pick: (run: Fanout) => number): readonly number[] => runs.map(pick);
    const memory = of(({ cost }) => cost.peakBytes / 1024 / 1024);
    yield toFigure({ name: 'log-fanout.memory', unit: 'MB', samples: memory, statistic: 'max', atMost: 300 });
    const delay = of(({ cost }) => cost.delayMs);
    yield toFigure({
      name: 'log-fanout.event-loop-delay-p99',
      unit: 'ms',
      samples: delay,
      statistic: 'max',
      atMost: 50,
    });
    yield toFigure({
      name: 'log-fanout.event-loop-delay-max',
      unit: 'ms',
      samples: of(({ cost }) => cost.worstDelayMs),
    });
    const lagging = of((run) =>
      count(run, (reader) => reader.kind === 'quick' && (reader.dropped > 0 || !reader.hasEnded)),
    );
    yield toFigure({
      name: 'log-fanout.quick-that-lost',
      unit: '',
      samples: lagging,
      statistic: 'max',
      atMost: 0,
    });
    const unharmed = of((run) =>
      count(run, (reader) => reader.kind === 'slow' && (reader.dropped === 0 || !reader.hasEnded)),
    );
    yield toFigure({
      name: 'log-fanout.slow-without-lag',
      unit: '',
      samples: unharmed,
      statistic: 'max',
      atMost: 0,
    });
    yield toFigure({
      name: 'log-fanout.until-quick-have-all',
      unit: 's',
      samples: of(({ seconds }) => seconds),
    });
    yield toFigure({ name: 'log-fanout.processor', unit: 's', samples: of(({ cost }) => cost.cpuMs / 1000) });
  },
};

function count({ readers }: Fanout, is: (reader: Reader) => boolean): number {
  return readers.filter(is).length;
}

async function fanOut(): Promise<Fanout> {
  const dir = mkdtempSync(join(tmpdir(), 'argunix-log-fanout-'));
  const children: ChildProcess[] = [];
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const coordinator = start(children, new URL('./log-fanout-coordinator.ts', import.meta.url), [dir]);
    const { port } = Started.parse((await once(coordinator, 'message', { signal: deadline }))[0]);
    let cost: Fanout['cost'] | undefined;
    coordinator.on('message', (message) => {
      cost = Cost.parse(message);
    });
    const latest = startReaders(children, port);
    await until(() => latest.size === READER_PROCESSES, deadline);

    coordinator.send({ lines: LINES, linesPerSecond: LINES_PER_SECOND });
    const startedAt = performance.now();
    let seconds: number | undefined;
    await until(() => {
      const told = [...latest.values()];
      if (
        told.flatMap(({ readers }) => readers).every(({ kind, hasEnded }) => kind !== 'quick' || hasEnded)
      ) {
        seconds ??= (performance.now() - startedAt) / 1000;
      }
      return told.every(({ hasAll }) => hasAll);
    }, deadline);
    if (cost === undefined) {
      throw new Error('expected the coordinator to tell what it cost, and it told nothing');
    }
    return {
      cost,
      readers: [...latest.values()].flatMap(({ readers }) => readers),
      seconds: seconds ?? Number.NaN,
    };
  } finally {
    for (const child of children) {
      child.kill('SIGKILL');
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

function startReaders(children: ChildProcess[], port: number): Map<number, z.infer<typeof Read>> {
  const latest = new Map<number, z.infer<typeof Read>>();
  for (let at = 0; at < READER_PROCESSES; at += 1) {
    const share = Object.values(READERS).map((all) => String(Math.floor((all + at) / READER_PROCESSES)));
    const child = start(children, new URL('./log-fanout-readers.ts', import.meta.url), [
      String(port),
      ...share,
      String(LINES),
    ]);
    child.on('message', (message) => latest.set(at, Read.parse(message)));
  }
  return latest;
}

function start(children: ChildProcess[], file: URL, args: readonly string[]): ChildProcess {
  const child = fork(file, args, { execArgv: NODE_FLAGS });
  children.push(child);
  return child;
}

/** A bench that does not come to its end says so; what it has until then are its figures. */
async function until(isSo: () => boolean, deadline: AbortSignal): Promise<void> {
  while (!isSo() && !deadline.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
