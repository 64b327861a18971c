import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toLeaseId } from '@argunix/shared/domain/ids';
import { parseDerivationPath } from '@argunix/shared/domain/store-path';
import { expect, test } from 'vitest';
import { endingOf, inputsOwner, isForgotten, type Lease, rootsOwner } from './lease.ts';

const drvPath = parseDerivationPath('/nix/store/00000000000000000000000000000000-x.drv');

function lease(more: Partial<Lease>): Lease {
  if (drvPath === undefined) {
    throw new Error('no path');
  }
  const request = { leaseId: toLeaseId(4), drvPath, inputsOwner: inputsOwner(toLeaseId(3)) };
  return { request, stoppedFor: null, isReleased: false, hasStarted: false, end: null, ...more };
}

test('a build that only this host stopped is to be tried again', () => {
  expect(endingOf(lease({ stoppedFor: 'stop' }), { kind: 'cancelled' }, null).kind).toBe('infrastructure');
  expect(endingOf(lease({ stoppedFor: 'cancel' }), { kind: 'cancelled' }, null).kind).toBe('cancelled');
  expect(endingOf(lease({ stoppedFor: 'stop' }), { kind: 'built' }, null).kind).toBe('built');
});

test('a log that could not be kept is no fault of the build', () => {
  expect(endingOf(lease({}), { kind: 'cancelled' }, 'ENOSPC')).toEqual({
    kind: 'infrastructure',
    reason: 'The log could not be kept on the builder: ENOSPC',
  });
});

test('only what has ended is ever forgotten', () => {
  const end = { ending: { kind: 'built' }, logLines: 0, at: toEpochMs(1_000) } as const;

  expect(isForgotten(lease({ end }), toEpochMs(2_000), 1_000)).toBe(false);
  expect(isForgotten(lease({ end }), toEpochMs(2_001), 1_000)).toBe(true);
  expect(isForgotten(lease({}), toEpochMs(9_999_999), 1_000)).toBe(false);
});

test('roots of a lease and of what came with it have owners of their own', () => {
  expect([rootsOwner(toLeaseId(3)), inputsOwner(toLeaseId(3))]).toEqual(['lease-3', 'inputs-3']);
});
