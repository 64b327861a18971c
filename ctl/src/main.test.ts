import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  EvaluationView,
  type JobCounts,
  JobView,
  LogLineView,
  RepositoryView,
  StatusView,
  WhyView,
} from '@argunix/shared/control-api/views';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { COMMANDS } from './command-table.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const ESC = '\u001b';
const SHA = '0123456789abcdef0123456789abcdef01234567';
const AT = '2026-01-02T03:04:05.000Z';

// A real server on a real socket; the views' own schemas hold what it says to what a coordinator may say.
type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const answers = new Map<string, Answer>();
const asked: string[] = [];
let bodies: string[] = [];
let dir = '';
let socket = '';

const server = createServer((request, response) => {
  const route = `${request.method ?? ''} ${request.url ?? ''}`;
  asked.push(route);
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    bodies.push(body);
    const answer = answers.get(route) ?? answers.get(route.replace(/\?.*/, ''));
    if (answer === undefined) {
      refuse(404, 'not-found', 'There is nothing here.')(request, response);
    } else {
      answer(request, response);
    }
  });
});

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunixctl-'));
  socket = join(dir, 'argunix.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
});
afterAll(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  answers.clear();
  asked.length = 0;
  bodies = [];
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function ctl(...args: readonly string[]): Promise<Ran> {
  return await ctlAt(socket, ...args);
}

async function ctlAt(path: string, ...args: readonly string[]): Promise<Ran> {
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=source', MAIN, '--socket', path, ...args],
      { env: {}, timeout: 20_000 },
      (error, out, err) => {
        const code = error === null ? 0 : error.code;
        resolve({ code: typeof code === 'number' ? code : -1, out, err });
      },
    );
  });
}

function json(value: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
}

function refuse(status: number, code: string, message: string): Answer {
  return json({ error: { code, message, reference: 'r1' } }, status);
}

function counts(some: Partial<JobCounts>): JobCounts {
  const none = { total: 0, queued: 0, running: 0, cached: 0, success: 0, failure: 0, timed_out: 0 };
  return { ...none, dependency_failed: 0, cancelled: 0, unsupported: 0, error: 0, ...some };
}

function evaluation(some: Partial<EvaluationView> = {}): EvaluationView {
  return EvaluationView.parse({
    id: 7,
    repo: { forge: 'here', slug: 'demo/sample' },
    trigger: 'push',
    ref: 'refs/heads/main',
    pr_number: null,
    sha: SHA,
    built_sha: SHA,
    trusted: true,
    restart_of: null,
    status: 'done',
    outcome: 'failure',
    reason: null,
    counts: counts({ total: 3, success: 1, cached: 1, failure: 1 }),
    created_at: AT,
    started_at: AT,
    building_at: AT,
    finished_at: '2026-01-02T03:05:10.000Z',
    url: 'http://localhost/r/here/demo/sample/eval/7',
    ...some,
  });
}

function job(some: Partial<JobView> = {}): JobView {
  return JobView.parse({
    id: 31,
    eval_id: 7,
    attr: 'packages.x86_64-linux.hello',
    system: 'x86_64-linux',
    name: 'hello-1.0',
    drv_path: '/nix/store/00000000000000000000000000000000-hello-1.0.drv',
    outputs: { out: '/nix/store/00000000000000000000000000000000-hello-1.0' },
    status: 'failure',
    phase: null,
    reason: 'The builder ended with 1.',
    builder: 'local',
    attempts: 2,
    created_at: AT,
    started_at: AT,
    finished_at: '2026-01-02T03:04:08.000Z',
    timings: { wait_ms: 1, push_ms: null, build_ms: 3000, pull_ms: null, publish_ms: null },
    bytes: { pushed: 0, pulled: 0 },
    log_url: null,
    url: 'http://localhost/job',
    publications: [],
    ...some,
  });
}

function line(number: number, text: string): LogLineView {
  return LogLineView.parse({ number, at_ms: number, derivation: 'hello-1.0', phase: 'build', text });
}

describe('what is shown', () => {
  test('status sums up and passes warnings on', async () => {
    const view = StatusView.parse({
      version: '0.1.0',
      started_at: AT,
      external_url: 'http://localhost',
      repositories: 2,
      evaluations: { queued: 1, evaluating: 0, building: 3 },
      jobs: { queued: 4, running: 5 },
      builders: [
        {
          name: 'local',
          systems: ['x86_64-linux'],
          features: [],
          slots: 4,
          slots_used: 1,
          nix_version: '2.8.0',
          sandboxed: false,
          current: [],
        },
      ],
      warnings: ['The disk is nearly full.'],
    });
    answers.set('GET /api/v1/status', json(view));

    const { code, out } = await ctl('status');

    expect(code).toBe(0);
    expect(out).toContain('evaluations:   1 queued, 0 evaluating, 3 building');
    expect(out).toContain('warning: The disk is nearly full.');
    expect(out).toMatch(/local +1\/4 +x86_64-linux +2\.8\.0 +off/);
  });

  test('evals list passes its filters on and shows a row for each', async () => {
    answers.set(
      'GET /api/v1/evals',
      json([evaluation(), evaluation({ id: 6, status: 'building', outcome: null })]),
    );

    const { code, out } = await ctl(
      'evals',
      'list',
      '--repo',
      'here/demo/sample',
      '--status',
      'done',
      '--limit',
      '2',
    );

    expect(asked).toEqual(['GET /api/v1/evals?repo=here%2Fdemo%2Fsample&status=done&limit=2']);
    expect(out.split('\n')[1]).toMatch(
      /^7 +here\/demo\/sample +refs\/heads\/main +0123456 +failure +2\/3, 1 not +/,
    );
    expect(out.split('\n')[2]).toMatch(/^6 .* building /);
    expect(code).toBe(0);
  });

  test('evals show has every job, also those beyond the first page', async () => {
    const first = Array.from({ length: 500 }, (_, index) =>
      job({ id: index + 1, attr: `packages.a${index}` }),
    );
    answers.set('GET /api/v1/evals/7', json(evaluation()));
    answers.set('GET /api/v1/evals/7/jobs?limit=500', json(first));
    answers.set(
      'GET /api/v1/evals/7/jobs?limit=500&after=packages.a499',
      json([job({ id: 900, attr: 'packages.z' })]),
    );

    const { out } = await ctl('evals', 'show', '7');
    const asJson = EvaluationView.parse(JSON.parse((await ctl('--json', 'evals', 'show', '7')).out));

    expect(out).toMatch(/^900 +packages\.z +failure +3 s +The builder ended with 1\.$/m);
    expect(asJson.jobs).toHaveLength(501);
  });

  test('repos list shows the trouble of a repository', async () => {
    const repository = RepositoryView.parse({
      forge: 'here',
      slug: 'demo/sample',
      kind: 'git',
      web_url: null,
      default_branch: 'main',
      trouble: 'The server cannot be reached.',
      checked_at: AT,
      latest: evaluation(),
      url: 'http://localhost/r/here/demo/sample',
    });
    answers.set('GET /api/v1/repos', json([repository]));

    const { out } = await ctl('repos', 'list');

    expect(out).toMatch(/here\/demo\/sample +git +main +failure +7 .* The server cannot be reached\./);
  });

  test('jobs show and why', async () => {
    answers.set('GET /api/v1/jobs/31', json(job()));
    answers.set(
      'GET /api/v1/jobs/31/why',
      json(WhyView.parse({ job_id: 31, status: 'queued', reason: 'No builder is free.' })),
    );

    expect((await ctl('jobs', 'show', '31')).out).toContain('output out: /nix/store/');
    expect((await ctl('jobs', 'why', '31')).out).toBe('queued: No builder is free.\n');
  });

  test('names of strangers cannot play with the terminal', async () => {
    answers.set(
      'GET /api/v1/evals',
      json([evaluation({ ref: `refs/heads/${ESC}[2Jevil\u202e${ESC}]0;title\u0007` })]),
    );

    const { out } = await ctl('evals', 'list');

    expect(out).not.toContain(ESC);
    expect(out).toContain('refs/heads/evil ');
  });
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
  ])('argunixctl %j', async (args, route, body) => {
    answers.set(route, json(evaluation({ id: 8 }), 201));

    const { code, out } = await ctl(...args);

    expect(asked).toEqual([route]);
    expect(bodies).toEqual([body === undefined ? '' : JSON.stringify(body)]);
    expect(out).toContain('evaluation 8');
    expect(code).toBe(0);
  });

  test.each(['restart', 'cancel'])('argunixctl jobs %s', async (verb) => {
    answers.set(`POST /api/v1/jobs/31/${verb}`, json(job({ status: 'queued', attempts: 3 })));

    const { code, out } = await ctl('jobs', verb, '31');

    expect(out).toContain('Job 31 (packages.x86_64-linux.hello) is queued, attempt 3');
    expect(code).toBe(0);
  });
});

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
          `retry: 1\n\nid: 5.0\nevent: lines\ndata: ${JSON.stringify([line(0, 'first')])}\n\n`,
          () => response.destroy(),
        );
      } else {
        response.write(
          `event: lag\ndata: {"dropped":3}\n\nid: 5.4\nevent: lines\ndata: ${JSON.stringify([line(4, 'second')])}\n\n`,
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

describe('how it ends', () => {
  test('1 and the reason when the coordinator refuses', async () => {
    answers.set('POST /api/v1/jobs/31/cancel', refuse(409, 'state.refused', `It has ended${ESC}[2J.`));

    expect(await ctl('jobs', 'cancel', '31')).toEqual({
      code: 1,
      out: '',
      err: 'argunixctl: It has ended.\n',
    });
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
    const { code, err } = await ctlAt(join(dir, 'nothing.sock'), 'status');

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

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s names every command and option of the table', async (shell) => {
    const { code, out } = await ctl('completion', shell);

    const words = COMMANDS.flatMap(({ path, options }) => [...path, ...options.map(({ long }) => long)]);
    expect(words.filter((word) => !out.includes(word))).toEqual([]);
    expect(code).toBe(0);
  });

  test.each([
    ['argunixctl jo', 'jobs'],
    ['argunixctl evals tr', 'trigger'],
    ['argunixctl --json jobs log --fo', '--follow'],
    ['argunixctl completion z', 'zsh'],
    ['argunixctl evals list --st', '--status'],
  ])('bash turns %j into %s', async (typed, word) => {
    const { out } = await ctl('completion', 'bash');
    const words = typed.split(' ');
    const script = `${out}\nCOMP_WORDS=(${words.join(' ')})\nCOMP_CWORD=${words.length - 1}\n_argunixctl\necho "\${COMPREPLY[@]}"`;

    const completed = await new Promise((resolve) => {
      execFile('bash', ['--norc', '-c', script], { timeout: 10_000 }, (_error, said) => resolve(said.trim()));
    });

    expect(completed).toBe(word);
  });
});
