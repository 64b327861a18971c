import { expect, test } from 'vitest';
import type { PathInfo } from './path-info.ts';
import { createPathsUnderWay } from './paths-under-way.ts';

function info(path: string, ...references: readonly string[]): PathInfo {
  return { path, references, deriver: '', narSize: 1, narHash: '', ca: '', signatures: [] };
}

const pathsOf = (infos: readonly PathInfo[]): readonly string[] => infos.map(({ path }) => path);

test('what another sends is not sent again, nor what needs it before it is there', async () => {
  const underWay = createPathsUnderWay();
  const first = underWay.claim([info('a'), info('b')]);

  const second = underWay.claim([info('a'), info('needs-a', 'a'), info('c')]);

  expect(pathsOf(second.mine)).toEqual(['c']);
  expect(pathsOf(second.blocked)).toEqual(['a', 'needs-a']);
  first.stored('a');
  // Resolves although b is still on its way.
  await second.others;
  expect(pathsOf(underWay.claim(second.blocked).mine)).toEqual(['a', 'needs-a']);
});

test('who gives up leaves its paths to others', async () => {
  const underWay = createPathsUnderWay();
  const first = underWay.claim([info('a')]);
  const second = underWay.claim([info('a')]);

  first.release();

  await second.others;
  expect(pathsOf(underWay.claim([info('a')]).mine)).toEqual(['a']);
});
