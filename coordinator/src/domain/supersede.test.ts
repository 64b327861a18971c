import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Trigger } from '@argunix/shared/domain/evaluation-status';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { DeliveryId, EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { describe, expect, test } from 'vitest';
import {
  type Contender,
  givesWay,
  isSuperseding,
  type Subject,
  subjectKey,
  successorOf,
  tookItsPlace,
} from './supersede.ts';

function subject(ref: string, prNumber: number | null = null): Subject {
  return { repositoryId: 1 as RepositoryId, ref: ref as GitRef, prNumber };
}
function made(
  id: number,
  deliveryId: number | null,
  trigger: Trigger = 'push',
  restartedAt: number | null = null,
): Contender {
  return {
    id: id as EvaluationId,
    deliveryId: deliveryId as DeliveryId | null,
    trigger,
    createdAt: toEpochMs(id * 1_000),
    restartedAt: restartedAt === null ? null : toEpochMs(restartedAt),
  };
}

describe('who may be superseded', () => {
  test.each([
    ['a request, always', subject('refs/heads/main', 7), false, true],
    ['a branch, where nothing is dropped', subject('refs/heads/main'), false, false],
    ['a branch, where its repository drops', subject('refs/heads/main'), true, true],
    ['a tag, though its repository drops', subject('refs/tags/v1'), true, false],
  ])('%s', (_, of, drops, expected) => {
    expect(isSuperseding(of, drops)).toBe(expected);
  });
});

describe('the successor', () => {
  test('is what was delivered last, not what was handled last', () => {
    expect(successorOf([made(10, 5), made(11, 4)])?.id).toBe(10);
  });

  test('is nothing that a person triggered or restarted', () => {
    expect(successorOf([made(10, 5), made(11, 6, 'manual'), made(12, 5, 'restart')])?.id).toBe(10);
    expect(successorOf([made(11, 6, 'manual')])).toBeUndefined();
  });

  test('is nothing whose delivery is forgotten', () => {
    expect(successorOf([made(10, null)])).toBeUndefined();
  });
});

describe('an evaluation gives way', () => {
  const successor = made(10, 5);

  test.each([
    ['when it was delivered before', made(9, 4), true],
    ['when it was delivered before, though it is handled after', made(11, 4), true],
    ['never when it was delivered after', made(9, 6), false],
    ['never to itself', successor, false],
    ['when its delivery is forgotten: it is old', made(3, null), true],
    ['when a person triggered it before', made(9, 4, 'manual'), true],
    ['when it is a restart that was made before', made(9, 4, 'restart'), true],
    ['never when it is a restart that was made after', made(11, 4, 'restart'), false],
    ['when a job of it was restarted before the successor came', made(9, 4, 'push', 9_999), true],
    ['never when a job of it was restarted since the successor came', made(9, 4, 'push', 10_000), false],
    ['never when it is a restart of the successor', made(11, 5, 'restart'), false],
    ['never when it is a restart of what was delivered after', made(9, 6, 'restart'), false],
  ])('%s', (_, older, expected) => {
    expect(givesWay(older, successor)).toBe(expected);
  });
});

test('a request is one subject whatever it is to be merged into, and apart from the branch', () => {
  expect(subjectKey(subject('refs/heads/main', 7))).toBe(subjectKey(subject('refs/heads/next', 7)));
  expect(subjectKey(subject('refs/heads/main', 7))).not.toBe(subjectKey(subject('refs/heads/main')));
});

test('the reason names the successor', () => {
  expect(tookItsPlace(subject('refs/heads/main'), 12 as EvaluationId)).toBe(
    'Evaluation 12, of a newer push to main, took its place.',
  );
  expect(tookItsPlace(subject('refs/heads/main', 7), 12 as EvaluationId)).toBe(
    'Evaluation 12, of request 7 as it is now, took its place.',
  );
});
