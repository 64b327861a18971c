/**
 * What a bench measures and how it is told: a warm-up, at least five runs, the median with its spread, and a verdict
 * against a target. Figures of different machines are not compared; what must hold everywhere is a ratio of two
 * things run in turn on the same machine, or a bound with room in it.
 */
import { z } from 'zod';

export const Figure = z.object({
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  /** Largest minus smallest run. */
  spread: z.number(),
  target: z.object({ kind: z.enum(['at most', 'at least']), value: z.number() }).nullable(),
});
export type Figure = z.infer<typeof Figure>;

/** `NAME.bench.ts` exports it as `bench`. It gives its figures as it has them, and cleans up after itself. */
export interface Bench {
  /** What is measured, on what input, in a sentence. */
  readonly about: string;
  run(): AsyncIterable<Figure>;
}

type Statistic = 'median' | 'p99' | 'max';

export interface FigureOptions {
  readonly name: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** Of the samples; the median unless told. */
  readonly statistic?: Statistic;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export function toFigure(options: FigureOptions): Figure {
  const { name, unit, samples, statistic = 'median', atMost, atLeast } = options;
  if (samples.length === 0) {
    throw new Error(`${name}: expected at least one sample, got none`);
  }
  const sorted = samples.toSorted((a, b) => a - b);
  let target: Figure['target'] = null;
  if (atMost !== undefined) {
    target = { kind: 'at most', value: atMost };
  } else if (atLeast !== undefined) {
    target = { kind: 'at least', value: atLeast };
  }
  return { name, unit, value: pick(sorted, statistic), spread: at(sorted, 1) - at(sorted, 0), target };
}

export function isMet({ value, target }: Figure): boolean {
  if (target === null) {
    return true;
  }
  // Written so that a value that is no number meets nothing.
  return target.kind === 'at most' ? value <= target.value : value >= target.value;
}

export interface RunOptions {
  /** 5: fewer say nothing of the spread. */
  readonly runs?: number;
  readonly warmUps?: number;
}

/** The results of `run`, warm-ups left out. What one run needs of its own it makes itself, before it looks at the clock. */
export async function sample(
  run: () => Promise<number> | number,
  { runs = 5, warmUps = 1 }: RunOptions = {},
): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let turn = -warmUps; turn < runs; turn += 1) {
    const result = await run();
    if (turn >= 0) {
      samples.push(result);
    }
  }
  return samples;
}

export interface Comparison {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  /** Pair by pair, so that a machine that slows down in the middle slows both. */
  readonly ratios: readonly number[];
}

/** Two things in turn, A B A B. */
export async function compare(
  ours: () => Promise<number> | number,
  theirs: () => Promise<number> | number,
  options: RunOptions = {},
): Promise<Comparison> {
  const pairs: (readonly [number, number])[] = [];
  const { runs = 5, warmUps = 1 } = options;
  for (let turn = -warmUps; turn < runs; turn += 1) {
    const pair = [await ours(), await theirs()] as const;
    if (turn >= 0) {
      pairs.push(pair);
    }
  }
  return {
    ours: pairs.map(([a]) => a),
    theirs: pairs.map(([, b]) => b),
    ratios: pairs.map(([a, b]) => a / b),
  };
}

/** How long it took, in milliseconds. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function pick(sorted: readonly number[], statistic: Statistic): number {
  switch (statistic) {
    case 'median':
      return at(sorted, 0.5);
    case 'p99':
      return at(sorted, 0.99);
    case 'max':
      return at(sorted, 1);
  }
}

/** The value at a share of the way through, between two neighbours where it falls between them. */
function at(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
