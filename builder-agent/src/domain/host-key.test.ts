import { expect, test } from 'vitest';
import { judgeHostKey } from './host-key.ts';

const NOTHING = { given: null, invited: null, pinned: null, pinFile: '/state/pin', trustsFirst: false };

test.each([
  [{ given: 'A', invited: 'B', pinned: 'B' }, 'known'],
  [{ given: 'B', invited: 'A', pinned: 'A', trustsFirst: true }, 'refused'],
  [{ invited: 'A', pinned: 'B' }, 'known'],
  [{ pinned: 'A' }, 'known'],
  [{ pinned: 'B', trustsFirst: true }, 'refused'],
  [{ trustsFirst: true }, 'first'],
  [{}, 'refused'],
])('key A, where %j is expected, is %s', (expected, kind) => {
  expect(judgeHostKey({ ...NOTHING, ...expected }, 'A').kind).toBe(kind);
});

test('a mismatch names both keys and what to do', () => {
  expect(JSON.stringify(judgeHostKey({ ...NOTHING, pinned: 'B' }, 'A'))).toMatch(
    /the key A, .* is B: .* delete \/state\/pin/,
  );
});
