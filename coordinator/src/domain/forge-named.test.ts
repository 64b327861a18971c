import { expect, test } from 'vitest';
import { forgeNamed } from './forge-named.ts';

const forge = (name: string, kind: string) => ({ settings: { name, kind } });
const named = (wanted: string, ...forges: readonly ReturnType<typeof forge>[]): string | undefined =>
  forgeNamed(forges, wanted)?.settings.name;

test('a kind stands for the only forge of it, and for none of two', () => {
  expect(named('github')).toBeUndefined();
  expect(named('github', forge('work', 'github'), forge('codeberg', 'forgejo'))).toBe('work');
  expect(named('github', forge('work', 'github'), forge('home', 'github'))).toBeUndefined();
});

test('a name wins over a kind, whatever kind it is of', () => {
  expect(named('github', forge('github', 'gitlab'), forge('work', 'github'))).toBe('github');
  expect(named('github', forge('work', 'github'), forge('home', 'github'), forge('github', 'github'))).toBe(
    'github',
  );
});

test('gitea is forgejo, unless a forge has that name', () => {
  expect(named('gitea', forge('codeberg', 'forgejo'))).toBe('codeberg');
  expect(named('gitea', forge('codeberg', 'forgejo'), forge('gitea', 'gitlab'))).toBe('gitea');
});

test('a name is compared as it is written', () => {
  expect(named('Work', forge('work', 'github'))).toBeUndefined();
});
