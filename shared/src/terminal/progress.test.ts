import { expect, test } from 'vitest';
import { evaluationView, jobView } from '../control-api/testing/views.ts';
import type { EvaluationView } from '../control-api/views.ts';
import { createProgress } from './progress.ts';
import { fakeScreen } from './testing/fake-screen.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:00:02.500Z';
const NOW = Date.parse('2026-01-01T00:01:07.000Z');
const JOBS = [
  jobView({ id: 1, attr: 'a', status: 'success', started_at: AT, finished_at: LATER }),
  jobView({ id: 2, attr: 'b\u001b[2J', status: 'running' }),
  jobView({ id: 3, attr: 'c', status: 'cached' }),
];

function building(counts: Partial<EvaluationView['counts']>): EvaluationView {
  const usual = evaluationView({ status: 'building', started_at: AT });
  return { ...usual, counts: { ...usual.counts, total: 3, ...counts } };
}

function shown(columns: number | undefined): string {
  const screen = fakeScreen(columns);
  const progress = createProgress(screen, () => NOW);
  progress.show(evaluationView({ status: 'evaluating', started_at: AT }), []);
  progress.show(building({ success: 1, cached: 1, running: 1 }), JOBS);
  progress.show(building({ success: 1, cached: 1, running: 1 }), JOBS);
  progress.end();
  return screen.text();
}

test('each change is a line once, and nothing but lines goes into a pipe', () => {
  expect(shown(undefined)).toBe(
    'evaluating\nsuccess            a  2.5 s\nbuilding 3 jobs, 1 of them cached\n',
  );
});

test('a terminal has what goes on now at its bottom, taken away at the end', () => {
  const text = shown(80);

  expect(text).toContain('building  2 of 3  1:07  b');
  expect(text).not.toContain('\u001b[2J');
  expect(text.endsWith('\r\u001b[2K')).toBe(true);
});

test('the line at the bottom never wraps, however narrow the terminal', () => {
  const lines = shown(12).replaceAll('\r\u001b[2K', '\n').split('\n');

  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(12);
});
