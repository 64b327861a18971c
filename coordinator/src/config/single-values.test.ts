import { parseByteSize } from '@argunix/shared/domain/byte-size';
import { describe, expect, test } from 'vitest';
import { createRefMatcher } from './branch-patterns.ts';
import { nameCaches } from './cache-name.ts';
import { judgeGitUrl } from './git-url.ts';
import { parseSocketAddress } from './socket-address.ts';
import { parseWebUrl } from './web-url.ts';

describe('an address to listen on', () => {
  test.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['[::]:2222', '::', 2222],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    ['localhost:0', 'localhost', 0],
    ['ci.example.com:65535', 'ci.example.com', 65_535],
  ])('%s', (text, host, port) => {
    expect(parseSocketAddress(text)).toEqual({ host, port });
  });

  test.each([
    '',
    '8080',
    ':8080',
    '::1:80',
    '[::1]',
    '[::g]:80',
    '127.0.0.1:65536',
    '127.0.0.300:1',
    'a b:1',
    '-a:1',
    'a..b:1',
    'http://a:1',
    'a:1/',
    '[127.0.0.1]:80',
  ])('%j is none', (text) => {
    expect(parseSocketAddress(text)).toBeUndefined();
  });
});

describe('a size', () => {
  test.each([
    ['4G', 4 * 1024 ** 3],
    ['512M', 512 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['64 kb', 65_536],
    ['1048576', 1_048_576],
  ])('%s', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  test.each(['', 'G', '-1G', '4X', '1e9', '4 G B', '99999999T'])('%j is none', (text) => {
    expect(parseByteSize(text)).toBeUndefined();
  });
});

describe('what git may clone from', () => {
  test.each([
    '/srv/a.git',
    './a',
    '../a',
    'file:///srv/a',
    'https://h/a',
    'ssh://git@h/a',
    'git@h:a/b.git',
    'git://h/a',
  ])('%s', (url) => {
    expect(judgeGitUrl(url).kind).toBe('url');
  });

  test.each([
    '',
    '-u',
    '--upload-pack=x',
    'ext::sh -c id',
    'fd::7',
    'https://u:p@h/a',
    'https://t@h/a',
    'ssh://u:p@h/a',
    'ftp://h/a',
    'srv/a',
    'h:a',
    '/a\nb',
    'https://',
  ])('%j is refused', (url) => {
    expect(judgeGitUrl(url).kind).toBe('refused');
  });
});

test.each([
  ['https://ci.example.com/', 'https://ci.example.com'],
  ['http://h:1/ci/', 'http://h:1/ci'],
  ['https://u:p@h', undefined],
  ['https://h/?a', undefined],
  ['ftp://h', undefined],
  ['ci.example.com', undefined],
])('the web address %s is %s', (text, expected) => {
  expect(parseWebUrl(text)).toBe(expected);
});

describe('a pattern over branches', () => {
  test.each([
    ['main', 'refs/heads/main'],
    ['release/*', 'refs/heads/release/1'],
    ['**', 'refs/heads/a/b/c'],
    ['fix(a)[b]', 'refs/heads/fix(a)[b]'],
    ['refs/tags/v*', 'refs/tags/v1'],
    ['refs/heads/next', 'refs/heads/next'],
    ['!odd', 'refs/heads/!odd'],
  ])('%s names %s', (pattern, ref) => {
    expect(createRefMatcher([pattern])(ref)).toBe(true);
  });

  test.each([
    ['main', 'refs/heads/maintenance'],
    ['main', 'refs/tags/main'],
    ['release/*', 'refs/heads/release/1/2'],
    ['**', 'refs/tags/v1'],
    ['*', 'refs/heads/a/b'],
    ['!main', 'refs/heads/next'],
  ])('%s does not name %s', (pattern, ref) => {
    expect(createRefMatcher([pattern])(ref)).toBe(false);
  });
});

test('caches without a name get one of their own, without what is secret in the address', () => {
  const names = nameCaches([
    { pushUrl: 's3://bucket?endpoint=x' },
    { name: 'bucket-2', pushUrl: 's3://other' },
    { pushUrl: 's3://bucket' },
    { pushUrl: 'https://user:password@h/x' },
    { pushUrl: '' },
  ]);

  expect(names).toEqual(['bucket', 'bucket-2', 'bucket-3', 'h-x', 'cache']);
});
