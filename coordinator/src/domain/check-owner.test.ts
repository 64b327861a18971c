import { expect, test } from 'vitest';
import { byClaim, type Claimant } from './check-owner.ts';

const push: Claimant = { id: 1, trigger: 'push', prNumber: null, isTrusted: true, status: 'done' };
const request: Claimant = { ...push, trigger: 'pull_request', prNumber: 7 };

const owner = (...claimants: readonly Claimant[]): number | undefined => byClaim(claimants)[0]?.id;

test.each([
  ['a push before a newer request', push, { ...request, id: 2 }, 1],
  [
    'a push that lives before a request that is done',
    { ...push, status: 'queued' },
    { ...request, id: 2 },
    1,
  ],
  ['the trusted before a newer one of a stranger', request, { ...request, id: 2, isTrusted: false }, 1],
  [
    'a trusted request before what a person triggered of an untrusted revision',
    request,
    { ...push, id: 2, trigger: 'manual', isTrusted: false },
    1,
  ],
  ['the newer of two pushes', push, { ...push, id: 2 }, 2],
  ['the newer of two requests', request, { ...request, id: 2, prNumber: 8 }, 2],
  ['a restart before what it restarts', push, { ...push, id: 2, trigger: 'restart', status: 'queued' }, 2],
  [
    'one with a result before a newer one that was cancelled',
    push,
    { ...push, id: 2, status: 'cancelled' },
    1,
  ],
  [
    'a request with a result before a push that was superseded',
    { ...push, status: 'superseded' },
    { ...request, id: 2 },
    2,
  ],
  [
    'a stranger who lives before a push that was cancelled',
    { ...push, status: 'cancelled' },
    { ...request, id: 2, isTrusted: false, status: 'building' },
    2,
  ],
  [
    'one that failed to evaluate before a newer one that was cancelled',
    { ...push, status: 'evaluation_failed' },
    { ...push, id: 2, status: 'cancelled' },
    1,
  ],
  [
    'the newer where nobody has a result',
    { ...push, status: 'cancelled' },
    { ...push, id: 2, status: 'superseded' },
    2,
  ],
] satisfies readonly (readonly [string, Claimant, Claimant, number])[])(
  'a line belongs to %s',
  (_, one, other, wanted) => {
    expect([owner(one, other), owner(other, one)]).toEqual([wanted, wanted]);
  },
);
