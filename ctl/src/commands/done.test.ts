import { describe, expect, test } from 'vitest';
import { evaluation, job, SHA } from '../testing/sample-views.ts';
import { json, refuse, useStandIn } from '../testing/stand-in.ts';

const { answers, asked, bodies, ctl } = await useStandIn();

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
    [['evals', 'approve', '7'], 'POST /api/v1/evals/7/approve', undefined],
  ])('argunixctl %j', async (args, route, body) => {
    answers.set(route, json(evaluation({ id: 8 }), 201));

    const { code, out } = await ctl(...args);

    expect(asked).toEqual([route]);
    expect(bodies).toEqual([body === undefined ? '' : JSON.stringify(body)]);
    expect(out).toContain('evaluation 8');
    expect(code).toBe(0);
  });

  test('a revision that nobody’s branch leads to is said to be a stranger’s', async () => {
    answers.set('POST /api/v1/evals', json(evaluation({ id: 8, trusted: false }), 201));

    const { code, out } = await ctl('evals', 'trigger', 'here/demo/sample', SHA);

    expect([code, out]).toEqual([0, expect.stringContaining('No branch or tag of the repository leads to')]);
  });

  test('who runs argunixctl is told to the coordinator', async () => {
    let claimed: unknown;
    answers.set('POST /api/v1/evals/7/approve', (request, response) => {
      claimed = request.headers['argunix-operator'];
      json(evaluation())(request, response);
    });

    await ctl('evals', 'approve', '7');

    expect(claimed).toMatch(/^[\w.@+-]{1,64}$/);
  });

  const RELOAD = 'POST /api/v1/reload';

  test('argunixctl reload tells what changed, and what needs a restart', async () => {
    const view = {
      applied: ['here/a/b is watched from now on.'],
      needs_restart: ['needs a restart: listen (now a:1, the file says a:2)'],
      warnings: ['argunix.yaml:3:1: dry_run: has no effect'],
    };
    answers.set(RELOAD, json(view));

    const { code, out } = await ctl('reload');
    const asJson = await ctl('reload', '--json');

    expect(out.trimEnd().split('\n')).toEqual([
      `warning: ${view.warnings[0]}`,
      view.applied[0],
      view.needs_restart[0],
    ]);
    expect(JSON.parse(asJson.out)).toEqual(view);
    expect([code, asJson.code]).toEqual([0, 0]);
  });

  test('argunixctl reload says when nothing changed', async () => {
    answers.set(RELOAD, json({ applied: [], needs_restart: [], warnings: [] }));

    const { code, out } = await ctl('reload');

    expect([code, out]).toEqual([0, 'Nothing changed.\n']);
  });

  test('argunixctl reload tells every problem on a line of its own', async () => {
    answers.set(
      RELOAD,
      refuse(409, 'state.refused', 'Nothing changed.\na.yaml:1:1: weight\n\u001b[31m  bad'),
    );

    const { code, err } = await ctl('reload');

    expect([code, err]).toEqual([1, 'argunixctl: Nothing changed.\na.yaml:1:1: weight\n  bad\n']);
  });

  test.each(['restart', 'cancel', 'bump'])('argunixctl jobs %s', async (verb) => {
    answers.set(`POST /api/v1/jobs/31/${verb}`, json(job({ status: 'queued', attempts: 3 })));

    const { code, out } = await ctl('jobs', verb, '31');

    expect(out).toContain('Job 31 (packages.x86_64-linux.hello) is queued, attempt 3');
    expect(code).toBe(0);
  });
});
