import { describe, expect, test } from 'vitest';
import { expandVariables } from './expand-variables.ts';
import { configurationSchema, type SchemaNode } from './known-keys.ts';
import { PATH_KEY } from './path-values.ts';

test('a key is named like a path exactly when the schema says it is one', () => {
  const wrong = keysOf(configurationSchema()).filter(
    ([key, { format }]) => PATH_KEY.test(key) !== (format === 'path' || format === 'secret-path'),
  );

  expect(wrong).toEqual([]);
});

function keysOf(node: SchemaNode): readonly (readonly [string, SchemaNode])[] {
  const own = Object.entries(node.properties ?? {});
  const below = [node.items, ...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  const other = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
  return [
    ...own,
    ...[...own.map(([, child]) => child), ...below, other].flatMap((child) =>
      child === undefined ? [] : keysOf(child),
    ),
  ];
}

describe('variables', () => {
  const env = { HOME: '/home/me', EMPTY: '' };

  test.each([
    ['$HOME/x', '/home/me/x'],
    ['${HOME}x$HOME', '/home/mex/home/me'],
    ['/plain', '/plain'],
  ])('%s becomes %s', (text, expanded) => {
    expect(expandVariables(text, env)).toEqual({ kind: 'text', text: expanded });
  });

  test.each([
    '$NONE',
    '${NONE}',
    '$EMPTY',
    '$',
    '$1',
    '${}',
    '${HOME',
    '${HO ME}',
    '$HOMEx',
    'a$/b',
    '$$HOME',
  ])('%s is refused', (text) => {
    expect(expandVariables(text, env).kind).toBe('refused');
  });

  test('a value is not expanded again', () => {
    expect(expandVariables('$A', { A: '$B', B: 'b' })).toEqual({ kind: 'text', text: '$B' });
  });
});
