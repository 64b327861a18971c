/** Ways to break a recorded payload, for tests that a dialect answers it all the same. */
import {
  type Arbitrary,
  array,
  constant,
  constantFrom,
  dictionary,
  jsonValue,
  oneof,
  string,
} from 'fast-check';
import type { DeliveryHeaders } from '../../../src/ports/forge-deliveries.ts';
import type { DeliveryCase } from '../forge-subject.ts';

const NASTY = [
  '__proto__',
  '0'.repeat(40),
  'a'.repeat(64),
  'refs/heads/',
  'refs/heads/refs/heads/x',
  'a/b',
  'a//b',
  '../x',
  'ref/eval',
];

export function anyValue(): Arbitrary<unknown> {
  return oneof(
    constant(undefined),
    jsonValue({ maxDepth: 2 }),
    string({ unit: 'binary', maxLength: 60 }),
    constantFrom(...NASTY),
  );
}

export function anyHeaders(cases: readonly DeliveryCase[]): Arbitrary<DeliveryHeaders> {
  const names = [...new Set(cases.flatMap(({ headers }) => Object.keys(headers)))];
  const values = cases.flatMap(({ headers }) => Object.values(headers));
  return dictionary(
    constantFrom(...names, 'content-type'),
    oneof(
      string({ unit: 'binary', maxLength: 60 }),
      array(string(), { maxLength: 3 }),
      constantFrom(...values, 'application/x-www-form-urlencoded', undefined),
    ),
  );
}

/** The text of a payload; of one that is nothing any more, no text. */
export function textOf(payload: unknown): Buffer {
  return Buffer.from(payload === undefined ? '' : JSON.stringify(payload));
}

/** The payload with its value number `place`, counted depth first, replaced; undefined drops it. */
export function changed(payload: unknown, place: number, value: unknown): unknown {
  let left = place % count(payload);
  function walk(node: unknown): unknown {
    left -= 1;
    if (left === -1) {
      return value;
    }
    if (Array.isArray(node)) {
      return node.map(walk);
    }
    return typeof node === 'object' && node !== null
      ? Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]))
      : node;
  }
  return walk(payload);
}

function count(node: unknown): number {
  if (typeof node !== 'object' || node === null) {
    return 1;
  }
  return Object.values(node).reduce((sum: number, child) => sum + count(child), 1);
}

// Half of a payload is addresses and counters, which nobody reads.
const DULL =
  /_url$|^url$|^avatar|^gravatar|^node_id$|_count$|^has_|^allow_|_at$|_links$|^open_issues|^(?:forks|watchers|size|license|topics|events|permissions|app|pull_requests|commits|organization|installation)$/;

/** The payload without what nobody reads, to be broken in every place in little time. */
export function shrunk(payload: unknown): unknown {
  if (Array.isArray(payload)) {
    return payload.map(shrunk);
  }
  return typeof payload === 'object' && payload !== null
    ? Object.fromEntries(
        Object.entries(payload)
          .filter(([key]) => !DULL.test(key))
          .map(([key, value]) => [key, shrunk(value)]),
      )
    : payload;
}

export function placesOf(payload: unknown): readonly number[] {
  return [...Array.from({ length: count(payload) }).keys()];
}
