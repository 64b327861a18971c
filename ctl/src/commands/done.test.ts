import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { evaluation, job, SHA } from '../testing/sample-views.ts';
import { json, startStandIn } from '../testing/stand-in.ts';

const coordinator = await startStandIn();
const { answers, asked, bodies, ctl } = coordinator;
afterAll(async () => await coordinator.close());
beforeEach(() => {
  coordinator.answers.clear();
  coordinator.asked.length = 0;
  coordinator.bodies.length = 0;
});

describe('what is done', () => {
  test.each([
    [
      ['evals', 'trigger', 'here/demo/sample', 'main'],
      'POST /api/v1/evals',
      { repo: 'here/demo/sample', ref: 'main' },
    ],
    [
      ['evals', 'trigger', 'here/demo/sample', SHA],
      'POST /api/v1/evals',
      { repo: 'here/demo/sample', sha: SHA },
    ],
    [['evals', 'cancel', '7'], 'POST /api/v1/evals/7/cancel', undefined],
    [['evals', 'restart', '7'], 'POST /api/v1/evals/7/restart', undefined],
    [['evals', 'restart', '7', '--failed'], 'POST /api/v1/evals/7/restart-failed', undefined],
    [['evals', 'restart', '--failed', '7'], 'POST /api/v1/evals/7/restart-failed', undefined],
    [['evals', 'bump', '7'], 'POST /api/v1/evals/7/bump', undefined],
  ])('argunixctl %j', async (args, route, body) => {
    answers.set(route, json(evaluation({ id: 8 }), 201));

    const { code, out } = await ctl(...args);

    expect(asked).toEqual([route]);
    expect(bodies).toEqual([body === undefined ? '' : JSON.stringify(body)]);
    expect(out).toContain('evaluation 8');
    expect(code).toBe(0);
  });

  test.each(['restart', 'cancel', 'bump'])('argunixctl jobs %s', async (verb) => {
    answers.set(`POST /api/v1/jobs/31/${verb}`, json(job({ status: 'queued', attempts: 3 })));

    const { code, out } = await ctl('jobs', verb, '31');

    expect(out).toContain('Job 31 (packages.x86_64-linux.hello) is queued, attempt 3');
    expect(code).toBe(0);
  });
});
