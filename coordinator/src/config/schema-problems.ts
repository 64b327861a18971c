/** What the schema finds wrong, in words a person can act on: what was expected, what came, the nearest known key. */
import type { z } from 'zod';
import { knownKeysAt } from './known-keys.ts';
import { valueAt } from './lenient.ts';
import { nearestOf } from './nearest.ts';
import type { KeyPath, Remark } from './problem.ts';

export function toRemarks(issues: readonly z.core.$ZodIssue[], value: unknown): readonly Remark[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys') {
      return toUnknownKeys(issue.keys, path, value);
    }
    if (issue.code === 'invalid_key') {
      return issue.issues.map(
        ({ message }): Remark => ({ path, at: 'key', message: withGot(message, path.at(-1), true) }),
      );
    }
    const came = valueAt(value, path);
    const isShown = !String(path.at(-1)).endsWith('_path');
    return [{ path, message: withGot(issue.message, came, isShown) + hint(issue, came) }];
  });
}

function toUnknownKeys(keys: readonly string[], path: KeyPath, value: unknown): readonly Remark[] {
  const known = knownKeysAt(path, value);
  return keys.map((key) => {
    const nearest = nearestOf(key, known);
    const advice = nearest === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`;
    return { path: [...path, key], at: 'key', message: `unknown key ${JSON.stringify(key)}; ${advice}` };
  });
}

function hint(issue: z.core.$ZodIssue, came: unknown): string {
  const nearest = typeof came === 'string' ? nearestOf(came, optionsOf(issue)) : undefined;
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

function optionsOf(issue: z.core.$ZodIssue): readonly string[] {
  const options: unknown = issue.code === 'invalid_value' ? issue.values : valueAt(issue, ['options']);
  return Array.isArray(options) ? options.filter((option) => typeof option === 'string') : [];
}

/** A message that says what came by itself is left as it is. */
function withGot(message: string, came: unknown, isShown: boolean): string {
  if (/, got |is not shown/.test(message)) {
    return message;
  }
  return came === undefined
    ? `${message}, but the key is missing`
    : `${message}, got ${describe(came, isShown)}`;
}

function describe(value: unknown, isShown: boolean): string {
  if (value === null) {
    return 'nothing';
  }
  if (typeof value === 'string') {
    return isShown && value.length <= 200 ? JSON.stringify(withoutCredentials(value)) : 'other text';
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : 'a list';
  }
  if (typeof value === 'object') {
    return 'a map';
  }
  return isShown ? JSON.stringify(value) : `a ${typeof value}`;
}

/** Of an address what stands before its @ and in its query: people put passwords there, and messages go to logs. */
function withoutCredentials(text: string): string {
  return text.replace(/(^|\/\/)[^/]*@/, '$1…@').replace(/\?.*$/s, '?…');
}
