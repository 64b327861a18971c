import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { job } from './testing/sample-views.ts';
import { json, refuse, runCtl, useStandIn } from './testing/stand-in.ts';

const ESC = '\u001b';

const { answers, asked, ctl, dir } = await useStandIn();

describe('how it ends', () => {
  test('1 and the reason when the coordinator refuses', async () => {
    answers.set('POST /api/v1/jobs/31/cancel', refuse(409, 'state.refused', `It has ended${ESC}[2J.`));

    expect(await ctl('jobs', 'cancel', '31')).toEqual({
      code: 1,
      out: '',
      err: 'argunixctl: It has ended.\n',
    });
  });

  test.each([
    [['evals', 'restart', '7', '--failed'], 'POST /api/v1/evals/7/restart-failed'],
    [['evals', 'bump', '7'], 'POST /api/v1/evals/7/bump'],
    [['jobs', 'bump', '7'], 'POST /api/v1/jobs/7/bump'],
  ])('1 for %j when it is refused, and 4 when there is no such thing', async (args, route) => {
    answers.set(route, refuse(409, 'state.refused', 'It has ended.'));
    expect(await ctl(...args)).toEqual({ code: 1, out: '', err: 'argunixctl: It has ended.\n' });

    answers.clear();
    expect((await ctl(...args)).code).toBe(4);
  });

  test('1 when the answer is not what it should be', async () => {
    answers.set('GET /api/v1/jobs/31', json({ ...job(), status: 'exploded' }));

    expect(await ctl('jobs', 'show', '31')).toMatchObject({ code: 1, out: '' });
  });

  test.each([
    [[]],
    [['evlas']],
    [['evals']],
    [['evals', 'show']],
    [['evals', 'show', 'seven']],
    [['evals', 'show', '7', '8']],
    [['evals', 'restart']],
    [['evals', 'restart', '7', '--all']],
    [['evals', 'bump', 'seven']],
    [['jobs', 'bump']],
    [['evals', 'list', '--status', 'nonsense']],
    [['jobs', 'log', '1', '--wrong']],
    [['completion', 'tcsh']],
  ])('2 for %j, without asking anybody', async (args) => {
    const { code, out, err } = await ctl(...args);

    expect({ code, out, asked }).toEqual({ code: 2, out: '', asked: [] });
    expect(err).not.toBe('');
  });

  test('2 when the coordinator finds the question badly put', async () => {
    answers.set('GET /api/v1/evals', refuse(400, 'usage.invalid', 'limit: expected a number up to 200'));

    expect((await ctl('evals', 'list', '--limit', '1000')).code).toBe(2);
  });

  test('3 when nobody is there', async () => {
    const { code, err } = await runCtl(join(dir, 'nothing.sock'), 'status');

    expect(code).toBe(3);
    expect(err).toContain('there is no such socket');
  });

  test('3 when the coordinator goes away in the middle of its answer', async () => {
    answers.set('GET /api/v1/status', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{', () => response.destroy());
    });

    expect((await ctl('status')).code).toBe(3);
  });

  test('4 for what does not exist', async () => {
    expect(await ctl('jobs', 'show', '404')).toEqual({
      code: 4,
      out: '',
      err: 'argunixctl: There is nothing here.\n',
    });
  });
});
