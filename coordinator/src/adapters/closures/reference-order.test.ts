import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PathInfo } from './path-info.ts';
import { orderByReferences } from './reference-order.ts';

function infosOf(references: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, PathInfo> {
  return new Map(
    Object.entries(references).map(([path, refs]) => [
      path,
      { path, references: refs, deriver: '', narSize: 1, narHash: '', ca: '', signatures: [] },
    ]),
  );
}

test('each comes after all that it refers to, and each comes once', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 6 }), { maxLength: 30 }), (graph) => {
      // Only to smaller numbers and to itself: no circle.
      const references = graph.map(
        (refs, at) => [`p${at}`, refs.filter((ref) => ref <= at).map((ref) => `p${ref}`)] as const,
      );

      const ordered =
        orderByReferences(infosOf(Object.fromEntries(references)))?.map(({ path }) => path) ?? [];

      expect(ordered.toSorted()).toEqual(references.map(([path]) => path).toSorted());
      for (const [path, refs] of references) {
        for (const ref of refs) {
          expect(ordered.indexOf(ref)).toBeLessThanOrEqual(ordered.indexOf(path));
        }
      }
    }),
  );
});

test('a chain that is deeper than the call stack is ordered', () => {
  const deep = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, at) => [`p${at}`, [`p${at + 1}`]] as const),
  );

  expect(orderByReferences(infosOf(deep))?.[0]?.path).toBe('p49999');
});

test('a circle has no order', () => {
  expect(orderByReferences(infosOf({ a: ['b'], b: ['c'], c: ['a'] }))).toBeUndefined();
});
