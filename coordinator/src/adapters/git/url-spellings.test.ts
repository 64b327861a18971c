import { expect, test } from 'vitest';
import { parseForeignUrl } from './repository-url.ts';
import { comparableUrl, spellingsOf } from './url-spellings.ts';

test.each([
  'https://forge.example/owner/name',
  'https://forge.example/owner/name.git/',
  'https://git@forge.example/owner/name',
])('the spellings of %s are those of the one repository', (url) => {
  expect(spellingsOf(url)).toEqual(
    expect.arrayContaining([
      ...['https://forge.example/owner/name', 'https://forge.example/owner/name.git'],
      ...['ssh://git@forge.example/owner/name', 'ssh://git@forge.example/owner/name.git'],
      ...['git@forge.example:owner/name', 'git@forge.example:owner/name.git'],
    ]),
  );
  expect(spellingsOf(url).filter((one) => !/forge\.example[/:]owner\/name(?:\.git)?$/.test(one))).toEqual([]);
});

test.each([
  ['ssh://git@forge.example:2222/group/sub/name.git', 'https://forge.example/group/sub/name'],
  ['git@forge.example:owner/name.git', 'https://forge.example/owner/name'],
  ['https://forge.example:8443/owner/name', 'ssh://git@forge.example/owner/name'],
  ['http://[::1]:3000/owner/name', 'ssh://git@[::1]/owner/name'],
])('%s is also spelled %s', (url, other) => {
  expect(spellingsOf(url)).toContain(url.replace(/\.git$/, ''));
  expect(spellingsOf(url)).toContain(other);
});

test('http and another port are no spellings of https, and a path of this host has none but itself', () => {
  expect(spellingsOf('http://forge.example:3000/owner/name')).not.toContain(
    'https://forge.example/owner/name',
  );
  expect(spellingsOf('https://forge.example:8443/owner/name')).not.toContain(
    'https://forge.example/owner/name',
  );
  expect(spellingsOf('/srv/git/name.git')).toEqual(['/srv/git/name', '/srv/git/name.git']);
});

test.each([
  ['https://Forge.Example/owner/name.git', 'https://forge.example/owner/name', true],
  ['git@Forge.Example:owner/name', 'git@forge.example:owner/name.git', true],
  ['https://forge.example/owner/name', 'https://forge.example/owner/name2', false],
  ['https://forge.example/owner/name', 'https://forge.example/Owner/name', false],
  ['https://forge.example/owner/name', 'https://forge.example/owner/x/../name', false],
  ['https://forge.example/owner/name', 'https://forge.example.evil.example/owner/name', false],
  ['https://forge.example/owner/name', 'https://forge.example/owner/name%2egit', false],
])('%s and %s: one repository is %s', (one, other, isSame) => {
  expect(comparableUrl(one) === comparableUrl(other)).toBe(isSame);
});

test('a URL of a hundred thousand slashes, as a stranger may write it into .gitmodules, is judged at once', () => {
  const url = `${'/'.repeat(200_000)}x`;

  expect(comparableUrl(`https://forge.example${url}`)).toHaveLength(
    url.length + 'https://forge.example'.length,
  );
  const verdict = parseForeignUrl(url, { text: `https://forge.example${url}`, transport: 'https' });
  expect(verdict).toMatchObject({ kind: 'refused' });
  expect(JSON.stringify(verdict).length).toBeLessThan(1_000);
  expect(parseForeignUrl('../y', { text: `https://forge.example${url}`, transport: 'https' })).toMatchObject({
    kind: 'url',
  });
});
