import { EVALUATION_STATUSES } from '@argunix/shared/domain/evaluation-status';
import { isJobEnding, JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import { array, assert, constantFrom, option, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobContext, sayEvaluation, sayJob, type ToldEvaluation } from './check-wording.ts';

const NOTHING = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as Record<JobStatus, number>;
// Whatever a flake or a build prints: also halves of characters, ends of lines, and what turns the direction of reading.
const printed = string({ unit: 'binary', maxLength: 400 });
const odd = array(
  constantFrom(
    ...['\n', '\r', '\t', ' ', '\0', '\u0007', '\u001b', '\u0085', '\u200f', '\u2028', '\u2029', '\u202e'],
    ...['\ud800', '\udfff', '😀', 'a', '"', '\\', '`', '<', '@', '[', ']'],
  ),
  { maxLength: 300 },
).map((signs) => signs.join(''));
const anything = option(constantFrom(printed, odd).chain((one) => one));
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function told(some: Partial<ToldEvaluation>): ToldEvaluation {
  return { status: 'queued', outcome: null, reason: null, counts: NOTHING, ...some };
}
function isOneLine(description: string): boolean {
  return (
    description.length > 0 &&
    description.length <= 140 &&
    description.isWellFormed() &&
    description === description.trim() &&
    !UNSEEN.test(description)
  );
}

describe('a line', () => {
  test('of an evaluation is one that anybody can read, whatever its reason is', () => {
    assert(
      property(constantFrom(...EVALUATION_STATUSES), anything, (status, reason) =>
        isOneLine(sayEvaluation(told({ status, reason }), true).description),
      ),
    );
  });

  test('of a job is one that anybody can read, whatever its reason is', () => {
    assert(
      property(constantFrom(...JOB_STATUSES), anything, (status, reason) =>
        isOneLine(sayJob({ status, reason, tookMs: null }).description),
      ),
    );
  });

  test('that is too long is cut between two characters', () => {
    const { description } = sayJob({ status: 'failure', reason: `a${'😀'.repeat(100)}`, tookMs: null });

    expect(description).toMatch(/^a😀+…$/u);
    expect(description.length).toBeGreaterThan(137);
  });

  test('is the first that says anything', () => {
    expect(
      sayJob({ status: 'error', reason: '\u001b[31m\n \t\n lost\tit \nmore', tookMs: null }).description,
    ).toBe('lost it');
    expect(
      sayEvaluation(told({ status: 'evaluation_failed', reason: '\n\nno attribute\n' }), false).description,
    ).toBe('Evaluation failed: no attribute');
  });

  test('of a reason that says nothing is what the state alone says', () => {
    expect(sayJob({ status: 'timed_out', reason: ' \u0007\n', tookMs: null }).description).toBe(
      'The build took too long.',
    );
    expect(sayEvaluation(told({ status: 'superseded', reason: '' }), false).description).toBe(
      'Something newer took its place.',
    );
  });

  test('cannot be read backwards', () => {
    expect(sayJob({ status: 'failure', reason: '\u202egnp.exe', tookMs: null }).description).toBe('gnp.exe');
  });
});

describe('a state at the forge', () => {
  test('is final for each end of an evaluation, and pending or asking for approval before', () => {
    const states = EVALUATION_STATUSES.map((status) => [
      status,
      sayEvaluation(told({ status, outcome: status === 'done' ? 'failure' : null }), false).state,
    ]);

    expect(Object.fromEntries(states)).toEqual({
      awaiting_approval: 'action_required',
      queued: 'pending',
      evaluating: 'pending',
      building: 'pending',
      done: 'failure',
      evaluation_failed: 'failure',
      cancelled: 'cancelled',
      superseded: 'cancelled',
    });
  });

  test.each(['success', 'failure', 'error'] as const)('of one that is done is its outcome: %s', (outcome) => {
    expect(sayEvaluation(told({ status: 'done', outcome }), false).state).toBe(outcome);
  });

  test('is final for each end of a job, good only where its outputs exist', () => {
    for (const status of JOB_STATUSES) {
      const { state } = sayJob({ status, reason: null, tookMs: null });
      expect([status, state === 'pending']).toEqual([status, !isJobEnding(status)]);
      expect([status, state === 'success']).toEqual([status, status === 'success' || status === 'cached']);
    }
  });
});

describe('counts', () => {
  test('are told while it builds only where jobs have no lines of their own', () => {
    const counts = { ...NOTHING, queued: 2, running: 1, success: 3, failure: 1 };
    const building = told({ status: 'building', counts });

    expect(sayEvaluation(building, false).description).toBe('Building 7 jobs.');
    expect(sayEvaluation(building, true).description).toBe('4 of 7 jobs done: 3 built, 1 failed');
  });

  test('at the end name every way in which jobs ended', () => {
    const counts = Object.fromEntries(
      JOB_STATUSES.map((status) => [status, isJobEnding(status) ? 1_000 : 0]),
    ) as Record<JobStatus, number>;

    const { description } = sayEvaluation(told({ status: 'done', outcome: 'failure', counts }), true);

    expect(description).toContain('1000 built, 1000 cached, 1000 failed, 1000 timed out');
    expect(description.length).toBeLessThanOrEqual(140);
  });

  test('of nothing say so', () => {
    expect(sayEvaluation(told({ status: 'done', outcome: 'success' }), false).description).toBe(
      'There is nothing to build.',
    );
  });
});

describe('a context', () => {
  test('shows every sign of an attribute, and two that differ stay two', () => {
    const signs = array(constantFrom('a', 'b', '.', '"', '\\', '\u0085', '\u2028', '\u202e', '\u{e0001}'), {
      minLength: 1,
      maxLength: 6,
    }).map((some) => some.join(''));
    assert(
      property(signs, signs, (one, other) => {
        const contexts = [one, other].map((name) => jobContext(`packages.${JSON.stringify(name)}`));
        return (
          (one === other) === (contexts[0] === contexts[1]) &&
          contexts.every((context) => !UNSEEN.test(context))
        );
      }),
      { numRuns: 500 },
    );
  });

  test('of a plain attribute is the attribute', () => {
    expect(jobContext('checks.x86_64-linux.hello')).toBe('argunix: checks.x86_64-linux.hello');
    expect(jobContext('a.\u2028')).toBe('argunix: a.\\u{2028}');
  });
});

test.each([
  [900, 'Built in 1 s.'],
  [59_600, 'Built in 1 min 0 s.'],
  [3_599_700, 'Built in 1 h 0 min.'],
  [7_500_000, 'Built in 2 h 5 min.'],
])('%i ms of building are %s', (tookMs, description) => {
  expect(sayJob({ status: 'success', reason: null, tookMs }).description).toBe(description);
});
