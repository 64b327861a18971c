import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluationView, jobView } from '@argunix/shared/control-api/testing/views';
import { expect, it } from 'vitest';
import { judgeJobs, parseExpectations } from './expectations.ts';

const DONE = evaluationView({ status: 'done', outcome: 'failure' });
const EXPECTED = new Map([
  ['a', 'success'],
  ['b', 'failure'],
] as const);

it('the file of the sample parses, for whatever system', () => {
  const text = readFileSync(join(import.meta.dirname, 'sample/expected.json'), 'utf8');

  expect(parseExpectations(text, 'aarch64-linux').get('formatter.aarch64-linux')).toBe('success');
});

it('is content when every job ended as expected, an output from an earlier run included', () => {
  const jobs = [jobView({ attr: 'a', status: 'cached' }), jobView({ attr: 'b', status: 'failure' })];

  expect(judgeJobs(DONE, jobs, EXPECTED)).toEqual([]);
});

it('names a job that is missing, one too many, and one that ended otherwise', () => {
  const jobs = [jobView({ attr: 'b', status: 'success' }), jobView({ attr: 'c', status: 'success' })];

  expect(judgeJobs(DONE, jobs, EXPECTED)).toEqual([
    'a was expected and is no job',
    'b was expected to end as failure, and ended as success',
    'c is a job and was not expected',
  ]);
});

it('an evaluation that failed is never as expected, whatever its jobs', () => {
  const failed = evaluationView({ status: 'evaluation_failed', reason: 'syntax error' });

  expect(judgeJobs(failed, [], new Map())).toEqual([
    'the evaluation ended as evaluation_failed: syntax error',
  ]);
});

it('a flake of one’s own is expected to build whole', () => {
  const jobs = [jobView({ attr: 'a', status: 'cached' }), jobView({ attr: 'b', status: 'timed_out' })];

  expect(judgeJobs(DONE, jobs, undefined)).toEqual(['b ended as timed_out']);
});
