/** Looks into plain values of which nothing is known yet: what has not the form that is asked for is not there. */
import type { KeyPath } from './problem.ts';

export function valueAt(value: unknown, path: KeyPath): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) {
      return undefined;
    }
    found = Reflect.get(found, part);
  }
  return found;
}

/** The entries of the map or list at `path`; none when it is neither. */
export function entriesOf(value: unknown, path: KeyPath): readonly (readonly [string, unknown])[] {
  const found = valueAt(value, path);
  return typeof found === 'object' && found !== null ? Object.entries(found) : [];
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entriesOf(value, []));
}

export function textOf(value: unknown, key: string): string | undefined {
  const found = valueAt(value, [key]);
  return typeof found === 'string' ? found : undefined;
}

/** The texts of the list behind `key`, with their places in it. */
export function textsOf(value: unknown, key: string): readonly (readonly [number, string])[] {
  const found = valueAt(value, [key]);
  return Array.isArray(found)
    ? found.flatMap((item: unknown, index) => (typeof item === 'string' ? [[index, item] as const] : []))
    : [];
}
