import type { RepositoryId } from '@argunix/shared/domain/ids';
import { expect, test } from 'vitest';
import { createFairShare, type FairShare, type Meter } from './fair-share.ts';

const ONE = 1 as RepositoryId;
const OTHER = 2 as RepositoryId;

function wanting(share: FairShare, id: RepositoryId, now: number): Meter {
  const meter = share.meter(id);
  share.wants(meter, now);
  return meter;
}

test('who had nothing to do comes back level with the lowest of the others', () => {
  const share = createFairShare(() => 1);
  const one = wanting(share, ONE, 0);
  share.begins(one, 5_000, 0);
  share.ends(one, 5_000, 0, 8_000);

  expect(wanting(share, OTHER, 8_000).level).toBe(8_000);
});

test('who comes while another is charged with a long guess does not pay for it', () => {
  const share = createFairShare(() => 1);
  const one = wanting(share, ONE, 0);
  share.begins(one, 36_000_000, 0);

  const other = wanting(share, OTHER, 1_000);
  share.ends(one, 36_000_000, 0, 2_000);

  expect([one.level, other.level]).toEqual([2_000, 1_000]);
});

test('who comes while builds take longer than expected is before them', () => {
  const share = createFairShare(() => 1);
  const one = wanting(share, ONE, 0);
  share.begins(one, 1_000, 0);

  expect(wanting(share, OTHER, 900_000).level).toBe(1_000);
});

test('who comes first after a silence has no claim to everything', () => {
  const share = createFairShare(() => 1);
  const one = wanting(share, ONE, 0);
  share.begins(one, 5_000, 0);
  one.ready -= 1;
  share.ends(one, 5_000, 0, 5_000);

  const other = wanting(share, OTHER, 9_000);
  wanting(share, ONE, 9_000);

  expect([one.level, other.level]).toEqual([5_000, 5_000]);
});

test('a build costs a repository of twice the weight half as much', () => {
  const share = createFairShare((id) => (id === OTHER ? 2 : 1));
  const other = wanting(share, OTHER, 0);

  share.begins(other, 1_000, 0);

  expect([other.level, share.recentMs(other, 0)]).toEqual([500, 1_000]);
  expect(share.recentMs(other, 3_600_000)).toBe(500);
});
