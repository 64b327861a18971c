import { jobPath } from '@argunix/shared/control-api/paths';
import { ErrorView, type EvaluationView, type RepositoryView } from '@argunix/shared/control-api/views';
import { expect, test } from 'vitest';
import { smallRows, startHttpServer } from '../../../test/fakes/http-server.ts';
import { createFakeJobLogs, numberLines } from '../../../test/fakes/job-logs.ts';
import { DEMO, evaluationRow, jobRow, repositoryRow } from '../../../test/fakes/view-rows.ts';
import { createFakeViews } from '../../../test/fakes/views.ts';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const ODD = ['a."b.c".d', 'x/log', 'ü"<script>alert(1)</script>', "it's 100%", 'tab\there', '日本'];

test.each(ODD)('the page of the job %j is at its own address', async (attr) => {
  const rows = smallRows({ jobs: [jobRow({ id: 1, eval_id: 1, attr })] });
  const server = await startHttpServer({ views: createFakeViews(rows) });

  const page = await server.inject({ url: jobPath(DEMO, 1, attr), headers: HTML });

  expect(page.statusCode).toBe(200);
  expect(page.body).not.toContain('<script>alert');
});

test('an evaluation under the address of another repository is not there', async () => {
  const rows = smallRows({
    repositories: [repositoryRow(), repositoryRow({ slug: 'demo/other' })],
  });
  const server = await startHttpServer({ views: createFakeViews(rows) });

  expect((await server.inject({ url: '/r/here/demo/sample/eval/1' })).statusCode).toBe(200);
  expect((await server.inject({ url: '/r/here/demo/other/eval/1' })).statusCode).toBe(404);
  expect(
    (await server.inject({ url: '/r/here/demo/other/eval/1/job/packages.x86_64-linux.hello' })).statusCode,
  ).toBe(404);
});

test('a page of an evaluation of 20,000 jobs has at most 500 rows and a way to the rest', async () => {
  const jobs = Array.from({ length: 20_000 }, (_, index) =>
    jobRow({ id: index + 1, eval_id: 1, attr: `packages.p${String(index).padStart(5, '0')}` }),
  );
  const server = await startHttpServer({ views: createFakeViews(smallRows({ jobs })) });

  const page = await server.inject({ url: '/r/here/demo/sample/eval/1', headers: HTML });

  expect(page.body.match(/<tr>/g)?.length).toBeLessThan(500);
  expect(page.body).toMatch(/href="[^"]*after=packages\.p00199[^"]*">More jobs/);
});

test('what failed stands first, with the end of its log', async () => {
  const rows = smallRows({
    evaluations: [evaluationRow({ id: 1, outcome: 'failure' })],
    jobs: [
      jobRow({ id: 1, eval_id: 1, attr: 'packages.a' }),
      jobRow({ id: 2, eval_id: 1, attr: 'packages.z', status: 'failure', reason: 'exit code 7' }),
    ],
  });
  const logs = createFakeJobLogs(new Map([[2, numberLines(['first', 'the last words'])]]));
  const server = await startHttpServer({ views: createFakeViews(rows), logs });

  const { body } = await server.inject({ url: '/r/here/demo/sample/eval/1', headers: HTML });

  expect(body.indexOf('packages.z')).toBeLessThan(body.indexOf('packages.a'));
  expect(body.indexOf('the last words')).toBeLessThan(body.indexOf('id="jobs"'));
  expect(body).toContain('exit code 7');
});

test('the job page has the last 2,000 lines and the log page the others, a piece at a time', async () => {
  const texts = Array.from({ length: 12_000 }, (_, index) => `line-${index}.`);
  const logs = createFakeJobLogs(new Map([[1, numberLines(texts)]]));
  const server = await startHttpServer({ logs });
  const path = '/r/here/demo/sample/eval/1/job/packages.x86_64-linux.hello';

  const job = await server.inject({ url: path, headers: HTML });
  const piece = await server.inject({ url: `${path}/log?from=5000`, headers: HTML });
  const text = await server.inject({ url: `${path}/log` });

  expect(job.body).not.toContain('line-9999.');
  expect(job.body).toContain('line-10000.');
  expect(piece.body).toContain('line-5000.');
  expect(piece.body).not.toContain('line-10000.');
  expect(piece.body).toContain('/log?from=10000');
  expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(text.body.trimEnd().split('\n')).toEqual(texts);
});

test('a log as text has no escape sequences', async () => {
  const logs = createFakeJobLogs(
    new Map([[1, numberLines(['\u001b[31mred\u001b[0m\u001b]0;title\u0007!'])]]),
  );
  const server = await startHttpServer({ logs });

  const text = await server.inject({ url: '/r/here/demo/sample/eval/1/job/packages.x86_64-linux.hello/log' });

  expect(text.body).toBe('red!\n');
});

test('errors are pages for browsers and JSON for programs, with the same reference in the log', async () => {
  const said: object[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (details: object) => void said.push(details) };
  const views = createFakeViews(smallRows());
  const server = await startHttpServer({
    logger,
    views: {
      ...views,
      repositories() {
        throw new Error('secret: the disk is on fire');
      },
    },
  });

  const page = await server.inject({ url: '/repos', headers: HTML });
  const json = await server.inject({ url: '/api/v1/repos', headers: HTML });

  expect(page.headers['content-type']).toContain('text/html');
  expect(page.body).not.toContain('secret');
  const { code, message, reference } = ErrorView.parse(json.json()).error;
  expect({ code, message }).toEqual({ code: 'internal', message: 'Something went wrong inside argunix.' });
  expect(said.at(-1)).toMatchObject({ reference });
});

test.each(['/nowhere', '/r/here', '/r/%zz', '/%', '/api/v1/nothing'])(
  '%s is refused in the one form',
  async (url) => {
    const server = await startHttpServer();

    const answer = await server.inject({ url });

    expect([400, 404]).toContain(answer.statusCode);
    expect(() => ErrorView.parse(answer.json())).not.toThrow();
  },
);

test('every answer forbids framing, sniffing and code from elsewhere', async () => {
  const server = await startHttpServer();

  for (const url of ['/', '/nowhere', '/api/v1/status', '/healthz']) {
    const { headers } = await server.inject({ url });
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['set-cookie']).toBeUndefined();
  }
});

test('an asset is kept for ever under the name of its content, and is nowhere else', async () => {
  const server = await startHttpServer();
  const page = await server.inject({ url: '/', headers: HTML });
  const href = /href="(\/assets\/[0-9a-f]{16}\/style\.css)"/.exec(page.body)?.[1] ?? '';

  const style = await server.inject({ url: href });

  expect(style.headers['cache-control']).toContain('immutable');
  expect((await server.inject({ url: '/assets/0000000000000000/style.css' })).statusCode).toBe(404);
  expect((await server.inject({ url: href.replace('style.css', '..%2Fpackage.json') })).statusCode).toBe(404);
});

const FORGE = 'https://codeberg.org/harbour/tools';
const REQUEST = {
  id: 1,
  trigger: 'pull_request',
  pr_number: 31,
  author: 'sailor',
  pusher: 'sailor',
  trusted: false,
  status: 'awaiting_approval',
  outcome: null,
  request_url: `${FORGE}/pulls/31`,
  commit_url: `${FORGE}/commit/1234567`,
} as const;

async function evaluationBody(
  some: Partial<EvaluationView>,
  kind: RepositoryView['kind'] = 'forgejo',
): Promise<string> {
  const rows = smallRows({
    repositories: [repositoryRow({ kind })],
    evaluations: [evaluationRow({ ...REQUEST, ...some })],
    jobs: [],
  });
  const server = await startHttpServer({ views: createFakeViews(rows) });
  return (await server.inject({ url: '/r/here/demo/sample/eval/1', headers: HTML })).body;
}

test('a request that waits says whose it is, and has the command that approves it', async () => {
  const body = await evaluationBody({ pusher: 'mate' });

  expect(body).toContain(`<a href="${FORGE}/pulls/31">#31</a> by <bdi>sailor</bdi>`);
  expect(body).toContain('<dt>Pushed by</dt><dd><bdi>mate</bdi>');
  expect(body).toContain(`<a href="${FORGE}/commit/1234567"><code`);
  expect(body).toContain('<code data-copy>argunixctl evals approve 1</code>');
  expect(body).toContain('not trusted yet');
});

test.each([
  [{ trusted: true, approved_by: 'operator ada' }, 'approved by operator ada'],
  [{ trusted: true, approved_by: 'sailor may push here' }, 'trusted: sailor may push here'],
  [{ trusted: true }, 'its head is a branch of the repository itself'],
  [{ status: 'cancelled' }, 'not trusted: nobody approved it'],
  [
    { pr_number: null, trigger: 'manual', ref: 'refs/unreached/1234' },
    'no branch or tag of the repository leads to it',
  ],
] as const)('an evaluation like %j says why it is trusted or not', async (some, sentence) => {
  const body = await evaluationBody({ status: 'done', ...some });

  expect(body).toContain(sentence);
  expect(body).not.toContain('evals approve');
});

test('GitLab’s requests are written as GitLab writes them, and a merge that was built is named', async () => {
  const built = { built_sha: 'feedface'.repeat(5), built_commit_url: `${FORGE}/-/commit/feedface` };
  const body = await evaluationBody(built, 'gitlab');

  expect(body).toContain('>!31</a>');
  expect(body).toMatch(/built as its merge <a href="[^"]*\/-\/commit\/feedface">/);
});

test('what a forge calls its people is text and no markup, and a link is one of the web', async () => {
  const evil = '<script>alert(1)</script>';
  const body = await evaluationBody({ author: evil, pusher: `${evil}2`, request_url: 'javascript:alert(1)' });

  expect(body).not.toContain('<script>alert');
  expect(body).not.toContain('javascript:');
});

test.each([
  [null, 'it is looked at again and again'],
  [
    { state: 'good', delivered_at: '2026-03-01T12:04:00.000Z' },
    'tells of pushes by a webhook, the last time',
  ],
  [{ state: 'never_installed' }, 'is not installed yet'],
  [{ state: 'trouble', trouble: 'It lacks a right.' }, 'It lacks a right.'],
] as const)('a repository with the hook %j says so in plain words', async (some, sentence) => {
  const none = { trouble: null, checked_at: null, delivered_at: null };
  const hook = some === null ? null : { ...none, ...some };
  const rows = smallRows({ repositories: [repositoryRow({ hook, visibility: 'private' })] });
  const server = await startHttpServer({ views: createFakeViews(rows) });

  const { body } = await server.inject({ url: '/r/here/demo/sample', headers: HTML });

  expect(body).toContain(sentence);
  expect(body).toContain('only readers with a token see it');
});
