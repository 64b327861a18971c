/**
 * How long a whole graph takes from its first build to its last, against what no order could beat: the longest way
 * through it, and all work over all places. The graph is recorded (record-dependencies.ts); time is simulated.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createScheduler } from '../coordinator/src/domain/queue/scheduler.ts';
import { nameOf, offered, planned, queuedJob, RULES } from '../coordinator/test/queue-fixture.ts';
import { type Bench, type Figure, toFigure } from './figure.ts';

const BUILDERS = 16;
const MANY_BUILDERS = 64;

/** In whole milliseconds; inputs are places in the list, all before its own. */
interface Build {
  readonly tookMs: number;
  readonly inputs: readonly number[];
}

/** Gives what can be built, and is told what was. */
interface Order {
  next(now: number): number | undefined;
  built(at: number, now: number): void;
}

export const bench: Bench = {
  about: `5,000 steps with the dependencies of real packages on ${BUILDERS} builders of one place, against the bound`,
  // oxlint-disable-next-line typescript/require-await -- nothing here waits, but a bench may
  async *run(): AsyncGenerator<Figure> {
    const graph = readGraph();
    for (const [builders, suffix] of [
      [BUILDERS, ''],
      // Where the longest way and all work over all places are about the same, orders differ most.
      [MANY_BUILDERS, `.on-${MANY_BUILDERS}`],
    ] as const) {
      const boundMs = boundOf(graph, builders);
      const figure = (name: string, order: Order, atMost?: number): Figure =>
        toFigure({
          name: `makespan${name}${suffix}`,
          unit: '× bound',
          samples: [makespan(graph, order, builders) / boundMs],
          ...(atMost === undefined ? {} : { atMost }),
        });
      yield figure('', ours(graph, builders, true), 1.1);
      // Without times, a long build at the end of everything is met by chance.
      yield figure('.unknown-times', ours(graph, builders, false));
      yield figure('.first-come', firstCome(graph));
      yield figure('.reverse-dependencies', mostNeeded(graph));
    }
  },
};

function readGraph(): readonly Build[] {
  const Rows = z.array(z.tuple([z.number()], z.number()));
  const text = readFileSync(join(import.meta.dirname, 'dependencies.json'), 'utf8');
  return Rows.parse(JSON.parse(text)).map(([seconds, ...inputs]) => ({ tookMs: seconds * 1_000, inputs }));
}

function boundOf(graph: readonly Build[], builders: number): number {
  const waysMs: number[] = [];
  for (const { tookMs, inputs } of graph) {
    waysMs.push(tookMs + inputs.reduce((longest, input) => Math.max(longest, waysMs[input] ?? 0), 0));
  }
  const workMs = graph.reduce((sum, { tookMs }) => sum + tookMs, 0);
  return waysMs.reduce((longest, way) => Math.max(longest, way), workMs / builders);
}

/** Whenever a builder is free, it gets what is next. */
function makespan(graph: readonly Build[], order: Order, builders: number): number {
  const running: { readonly at: number; readonly endsAt: number }[] = [];
  let built = 0;
  let now = 0;
  while (built < graph.length) {
    for (
      let at = order.next(now);
      at !== undefined;
      at = running.length < builders ? order.next(now) : undefined
    ) {
      running.push({ at, endsAt: now + (graph[at]?.tookMs ?? 0) });
    }
    running.sort((one, other) => other.endsAt - one.endsAt);
    const first = running.pop();
    if (first === undefined) {
      throw new Error(`nothing runs after ${built} of ${graph.length}`);
    }
    now = first.endsAt;
    built += 1;
    order.built(first.at, now);
  }
  return now;
}

/** Every one is a job, as where a whole package set is built. */
function ours(graph: readonly Build[], builders: number, isKnown: boolean): Order {
  const scheduler = createScheduler(RULES);
  for (let builder = 0; builder < builders; builder += 1) {
    scheduler.join(`builder-${builder}`, offered(), false, 0);
  }
  scheduler.add(
    graph.map((_, at) => queuedJob(at + 1, String(at))),
    graph.map(({ tookMs, inputs }, at) =>
      planned(String(at), inputs.map(String), { expectedMs: isKnown ? tookMs : 60_000 }),
    ),
    0,
  );
  return {
    next: (now) => {
      const taken = scheduler.take(now);
      return taken === undefined ? undefined : Number(nameOf(taken.step));
    },
    built: (at, now) => {
      const taken = scheduler.taken.values().find(({ step }) => nameOf(step) === String(at));
      if (taken === undefined) {
        throw new Error(`expected ${at} to be taken`);
      }
      const { step, builder } = taken;
      scheduler.release(step.drvPath, now);
      scheduler.freePlaces(builder, 1);
      scheduler.forget(step.jobs, now);
      scheduler.finish(step.drvPath, builder, now);
    },
  };
}

/** In the order in which they became ready. */
function firstCome(graph: readonly Build[]): Order {
  return inOrder(graph, (ready) => ready.shift());
}

/** What most others need in the end goes first. */
function mostNeeded(graph: readonly Build[]): Order {
  const dependents = graph.map(() => new Set<number>());
  for (const [at, { inputs }] of [...graph.entries()].toReversed()) {
    for (const input of inputs) {
      dependents[input]?.add(at);
      for (const dependent of dependents[at] ?? []) {
        dependents[input]?.add(dependent);
      }
    }
  }
  const count = (at: number | undefined): number => dependents[at ?? -1]?.size ?? 0;
  return inOrder(graph, (ready) => {
    const most = ready.reduce((best, at, place) => (count(at) > count(ready[best]) ? place : best), 0);
    return ready.splice(most, 1)[0];
  });
}

function inOrder(graph: readonly Build[], pick: (ready: number[]) => number | undefined): Order {
  const missing = graph.map(({ inputs }) => inputs.length);
  const ready = [...missing.keys()].filter((at) => missing[at] === 0);
  return {
    next: () => pick(ready),
    built: (built) => {
      for (const [at, { inputs }] of graph.entries()) {
        if (inputs.includes(built)) {
          missing[at] = (missing[at] ?? 0) - 1;
          ready.push(...(missing[at] === 0 ? [at] : []));
        }
      }
    },
  };
}
