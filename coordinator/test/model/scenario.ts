/** What can happen to a coordinator, in any order. */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import * as fc from 'fast-check';

/** Five derivations, of which a later one may need earlier ones. */
export const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

/** `which` chooses among what there is at that moment. */
export type Deed =
  /** A revision that is evaluated to these jobs without trouble. */
  | { readonly does: 'build'; readonly prNumber: number | null; readonly jobs: number }
  /** To main, or to request 1 or 2; handled at once with what stands in the inbox, or only received. */
  | { readonly does: 'push'; readonly prNumber: number | null; readonly isNewestFirst: boolean }
  | { readonly does: 'receive'; readonly prNumber: number | null }
  | { readonly does: 'delete branch' }
  | { readonly does: 'close request'; readonly prNumber: number }
  | { readonly does: 'find'; readonly which: number; readonly jobs: number }
  | {
      readonly does: 'evaluated';
      readonly which: number;
      readonly ending: 'complete' | 'failed' | 'infrastructure';
    }
  | { readonly does: 'finish'; readonly which: number; readonly ending: BuildEnding['kind'] }
  | {
      readonly does:
        | 'begin'
        | 'cancel evaluation'
        | 'cancel job'
        | 'restart job'
        | 'restart failed'
        | 'restart evaluation'
        | 'bump job'
        | 'bump evaluation';
      readonly which: number;
    }
  | { readonly does: 'full disk'; readonly writes: number }
  | { readonly does: 'kill' | 'stop' | 'agent leaves' | 'agent comes' | 'agent forgets' };

export interface Step {
  readonly deed: Deed;
  /** How many turns of the event loop pass before the next; null lets everything come to rest. */
  readonly turns: number | null;
}

export interface Scenario {
  /** For each name, a mask of the names that it needs. */
  readonly needs: readonly number[];
  readonly dropsSuperseded: boolean;
  readonly steps: readonly Step[];
}

const which = fc.nat(30);
const jobs = fc.integer({ min: 1, max: 31 });
const prNumber = fc.constantFrom(null, null, 1, 2);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  often(5, { does: fc.constant('build' as const), prNumber, jobs }),
  often(2, { does: fc.constant('push' as const), prNumber, isNewestFirst: fc.boolean() }),
  often(1, { does: fc.constant('receive' as const), prNumber }),
  often(1, { does: fc.constant('delete branch' as const) }),
  often(1, { does: fc.constant('close request' as const), prNumber: fc.constantFrom(1, 2) }),
  often(2, { does: fc.constant('find' as const), which, jobs }),
  often(2, {
    does: fc.constant('evaluated' as const),
    which,
    ending: usually<'complete' | 'failed' | 'infrastructure'>('complete', 'failed', 'infrastructure'),
  }),
  often(2, { does: fc.constant('begin' as const), which }),
  often(10, {
    does: fc.constant('finish' as const),
    which,
    ending: usually<BuildEnding['kind']>(
      'built',
      'substituted',
      'failed',
      'dependency_failed',
      'timed_out',
      'unsupported',
      'infrastructure',
      'infrastructure',
    ),
  }),
  often(2, { does: fc.constantFrom('cancel evaluation' as const, 'restart evaluation' as const), which }),
  often(8, { does: fc.constantFrom('cancel job' as const, 'restart job' as const), which }),
  often(2, { does: fc.constant('restart failed' as const), which }),
  often(1, { does: fc.constantFrom('bump job' as const, 'bump evaluation' as const), which }),
  often(2, { does: fc.constant('full disk' as const), writes: fc.integer({ min: 1, max: 4 }) }),
  often(2, { does: fc.constantFrom('kill' as const, 'stop' as const) }),
  often(2, {
    does: fc.constantFrom('agent leaves' as const, 'agent comes' as const, 'agent forgets' as const),
  }),
);
const step: fc.Arbitrary<Step> = fc.record({
  deed,
  turns: fc.oneof(fc.constant(null), fc.nat(6)),
});

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  needs: fc.tuple(...NAMES.map((_, at) => fc.nat(2 ** at - 1))),
  dropsSuperseded: fc.boolean(),
  steps: fc.array(step, { minLength: 5, maxLength: 45 }),
});

/** The names of a mask. */
export function picked(mask: number): readonly string[] {
  return NAMES.filter((_, at) => ((mask >> at) & 1) === 1);
}

function often<Fields>(
  weight: number,
  fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> },
): fc.WeightedArbitrary<{ [Key in keyof Fields]: Fields[Key] }> {
  return { weight, arbitrary: fc.record<Fields>(fields) };
}

function usually<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.constantFrom(usual, usual, usual, ...others);
}
