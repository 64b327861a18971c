import { expect, it } from 'vitest';
import { createProgress } from './progress.ts';
import { renderJobs } from './table.ts';
import { evaluationView, jobView } from './testing/views.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:00:02.500Z';
const QUEUED = { evaluation: evaluationView({ status: 'queued' }), jobs: [] };
const BUILDING = {
  evaluation: evaluationView({ status: 'building' }),
  jobs: [
    jobView({ id: 1, attr: 'a', status: 'success', started_at: AT, finished_at: LATER }),
    jobView({ id: 2, attr: 'b\u001b[2J', status: 'running' }),
  ],
};

function shown(isTerminal: boolean): string {
  let text = '';
  const progress = createProgress({ isTerminal, columns: 80, write: (part) => void (text += part) });
  progress.show(QUEUED);
  progress.show(BUILDING);
  progress.show(BUILDING);
  progress.end();
  return text;
}

it('writes each change once, and nothing but lines, into a pipe', () => {
  expect(shown(false)).toBe('evaluation 1: queued\nevaluation 1: building\n  success           a  2.5 s\n');
});

it('has what goes on now at the bottom of a terminal, and takes it away at the end', () => {
  const text = shown(true);

  expect(text).toContain('1 of 2 jobs, building b');
  expect(text).not.toContain('\u001b[2J');
  expect(text.endsWith('\r\u001b[2K')).toBe(true);
});

it('a table is aligned, with the reason under its job', () => {
  const jobs = [
    jobView({
      attr: 'checks.spelling',
      status: 'failure',
      reason: 'exit code 1',
      started_at: AT,
      finished_at: LATER,
    }),
    jobView({ attr: 'a', status: 'cached' }),
  ];

  expect(renderJobs(jobs, 80)).toBe(
    [
      '  failure           checks.spelling  2.5 s',
      '                    exit code 1',
      '  cached            a',
    ].join('\n'),
  );
});
