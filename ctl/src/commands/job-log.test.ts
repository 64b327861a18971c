import { LogLineView } from '@argunix/shared/control-api/views';
import { describe, expect, test } from 'vitest';
import { job, line } from '../testing/sample-views.ts';
import { json, useStandIn } from '../testing/stand-in.ts';

const ESC = '\u001b';

const { answers, ctl } = await useStandIn();

describe('a log', () => {
  test('is read to its end, page by page, with colours and without tricks', async () => {
    answers.set(
      'GET /api/v1/jobs/31/log?from=0',
      json({ lines: [line(0, `${ESC}[32mok${ESC}[0m${ESC}[2J`), line(1, 'a\rb')], next: 2 }),
    );
    answers.set('GET /api/v1/jobs/31/log?from=2', json({ lines: [line(2, 'last')], next: null }));

    const { out } = await ctl('jobs', 'log', '31');

    expect(out).toBe(`hello-1.0> ${ESC}[32mok${ESC}[0m${ESC}[0m\nhello-1.0> a b\nhello-1.0> last\n`);
  });

  test('as JSON is a line for each line', async () => {
    answers.set('GET /api/v1/jobs/31/log', json({ lines: [line(0, 'a'), line(1, 'b')], next: null }));

    const { out } = await ctl('--json', 'jobs', 'log', '31');

    expect(
      out
        .trimEnd()
        .split('\n')
        .map((text) => LogLineView.parse(JSON.parse(text)).text),
    ).toEqual(['a', 'b']);
  });

  test('is followed across a lost connection from where it was, until the job ends', async () => {
    const resumedFrom: unknown[] = [];
    answers.set('GET /api/v1/jobs/31/log/stream', (request, response) => {
      resumedFrom.push(request.headers['last-event-id']);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (resumedFrom.length === 1) {
        response.write(
          `retry: 1\n\nid: 5.0\nevent: lines\ndata: ${JSON.stringify({ lines: [line(0, 'first')] })}\n\n`,
          () => response.destroy(),
        );
      } else {
        response.write(
          `event: lag\ndata: {"dropped":3}\n\nid: 5.4\nevent: lines\ndata: ${JSON.stringify({ lines: [line(4, 'second')] })}\n\n`,
        );
        response.end('event: end\ndata: {}\n\n');
      }
    });
    answers.set('GET /api/v1/jobs/31', json(job()));

    const { code, out, err } = await ctl('jobs', 'log', '31', '-f');

    expect(out).toBe('hello-1.0> first\nhello-1.0> second\n');
    expect(resumedFrom).toEqual([undefined, '5.0']);
    expect(err).toContain('3 lines came too fast');
    expect(err).toContain('job 31 is failure: The builder ended with 1.');
    expect(code).toBe(0);
  });
});
