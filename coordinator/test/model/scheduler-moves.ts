/** What can happen to a scheduler, in any order. */

import * as fc from 'fast-check';
import type { BuilderOffer } from '../../src/domain/builder-offer.ts';

export const DERIVATIONS = 13;
export const BUILDERS = ['ant', 'bee', 'cat'] as const;
export const SYSTEMS = ['x86_64-linux', 'aarch64-linux', 'builtin'] as const;
export const FEATURES = ['big', 'kvm'] as const;
export const REPOSITORIES = 3;

/** `which` chooses among what there is at that moment. */
export type Move =
  | {
      readonly does: 'push';
      readonly repository: number;
      readonly rank: 0 | 1 | 2;
      readonly isTrusted: boolean;
      readonly isBumped: boolean;
      /** A mask of what it names. */
      readonly jobs: number;
      /** A mask of what it looked at for nothing: nobody wants it by now. */
      readonly stale: number;
    }
  | {
      readonly does: 'end';
      readonly which: number;
      readonly how: 'built' | 'failed' | 'spoiled' | 'returned';
    }
  | {
      readonly does:
        | 'settle'
        | 'put back'
        | 'cancel evaluation'
        | 'cancel job'
        | 'restart job'
        | 'late news'
        | 'bump'
        | 'more';
      readonly which: number;
    }
  | {
      readonly does: 'join' | 'expect';
      readonly which: number;
      readonly offer: BuilderOffer;
      readonly isExpectedOffline: boolean;
    }
  | { readonly does: 'leave' | 'remove'; readonly which: number }
  | { readonly does: 'pass'; readonly ms: number }
  | { readonly does: 'restart' };

/** A derivation, which may need those of lower numbers. */
export interface Nature {
  readonly inputs: number;
  readonly system: (typeof SYSTEMS)[number];
  readonly features: readonly string[];
  readonly expectedMs: number;
}

export interface Scenario {
  readonly natures: readonly Nature[];
  readonly weights: readonly number[];
  readonly allowsUnsandboxedUntrusted: boolean;
  /** Of the builders that are there when it begins: without any, all is lost at once, and a life is short. */
  readonly offers: readonly BuilderOffer[];
  /** Whoever is not awake learns of a move only with the next. */
  readonly moves: readonly { readonly move: Move; readonly isAwake: boolean }[];
}

const which = fc.nat(40);
const offer: fc.Arbitrary<BuilderOffer> = fc.record({
  systems: mostly<readonly string[]>(['x86_64-linux', 'aarch64-linux'], ['x86_64-linux'], ['aarch64-linux']),
  emulatedSystems: mostly<readonly string[]>([], ['aarch64-linux'], ['x86_64-linux']),
  features: mostly<readonly string[]>(['big', 'kvm'], [], ['kvm']),
  mandatoryFeatures: mostly<readonly string[]>([], [], [], ['big']),
  isSandboxed: mostly(true, false),
  slots: mostly(1, 2, 3, 0),
  speedFactor: fc.constantFrom(1, 2),
});
const move: fc.Arbitrary<Move> = fc.oneof(
  often(7, {
    does: fc.constant('push' as const),
    repository: fc.integer({ min: 1, max: REPOSITORIES }),
    rank: fc.constantFrom(0 as const, 1 as const, 2 as const),
    isTrusted: fc.boolean(),
    isBumped: mostly(false, true),
    jobs: mask(4),
    stale: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: mask(1) }),
  }),
  often(14, {
    does: fc.constant('end' as const),
    which,
    how: mostly<'built' | 'failed' | 'spoiled' | 'returned'>('built', 'failed', 'spoiled', 'returned'),
  }),
  often(10, { does: fc.constantFrom('settle' as const, 'settle' as const, 'put back' as const), which }),
  often(5, {
    does: fc.constantFrom('cancel evaluation' as const, 'cancel job' as const, 'cancel job' as const),
    which,
  }),
  often(3, { does: fc.constant('restart job' as const), which }),
  often(2, { does: fc.constantFrom('late news' as const, 'bump' as const), which }),
  often(2, { does: fc.constant('more' as const), which }),
  often(4, {
    does: fc.constantFrom('join' as const, 'join' as const, 'join' as const, 'expect' as const),
    which,
    offer,
    isExpectedOffline: mostly(false, true),
  }),
  often(2, { does: fc.constantFrom('leave' as const, 'leave' as const, 'remove' as const), which }),
  often(5, { does: fc.constant('pass' as const), ms: fc.constantFrom(1, 1_000, 9_000, 31_000, 120_000) }),
  often(1, { does: fc.constant('restart' as const) }),
);

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  natures: fc.tuple(
    ...Array.from({ length: DERIVATIONS }, (_, at) =>
      fc.record({
        inputs: at === 0 ? fc.constant(0) : fc.oneof(mask(2, at), mask(1, at)),
        system: mostly<Nature['system']>('x86_64-linux', 'x86_64-linux', 'aarch64-linux', 'builtin'),
        features: mostly<readonly string[]>([], [], [], ['kvm'], ['big']),
        expectedMs: fc.constantFrom(1_000, 2_000, 10_000),
      }),
    ),
  ),
  weights: fc.array(fc.constantFrom(1, 2, 5), { minLength: REPOSITORIES, maxLength: REPOSITORIES }),
  allowsUnsandboxedUntrusted: mostly(false, true),
  offers: fc.array(offer, { minLength: 1, maxLength: BUILDERS.length }),
  moves: fc.array(fc.record({ move, isAwake: mostly(true, false) }), {
    minLength: 5,
    maxLength: 90,
    size: 'max',
  }),
});

/** The numbers of a mask. */
export function picked(bits: number): readonly number[] {
  return Array.from({ length: DERIVATIONS }, (_, at) => at).filter((at) => ((bits >> at) & 1) === 1);
}

/** Of a few numbers below `limit`. */
function mask(most: number, limit = DERIVATIONS): fc.Arbitrary<number> {
  return fc
    .array(fc.nat(limit - 1), { maxLength: most + 1 })
    .map((numbers) => numbers.reduce((bits, at) => bits | (1 << at), 0));
}

function often<Fields>(
  weight: number,
  fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> },
): fc.WeightedArbitrary<{ [Key in keyof Fields]: Fields[Key] }> {
  return { weight, arbitrary: fc.record<Fields>(fields) };
}

function mostly<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.constantFrom(usual, usual, usual, ...others);
}
