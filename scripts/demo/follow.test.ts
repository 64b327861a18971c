/** Against a real HTTP server that says what the coordinator would, in the views' own schemas. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { evaluationView, jobView } from '@argunix/shared/control-api/testing/views';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient } from './api-client.ts';
import { followEvaluation, type Snapshot } from './follow.ts';

const SHA = 'b'.repeat(40);
const { signal } = new AbortController();
let server: Server;
let url: string;
let evaluations: readonly EvaluationView[];
let jobs: readonly JobView[];
let streams: ServerResponse[];
let hasEvents: boolean;

beforeEach(async () => {
  evaluations = [];
  jobs = [];
  streams = [];
  hasEvents = true;
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/api/v1/events' && hasEvents) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      streams.push(response);
    } else if (pathname === '/api/v1/evals') {
      response.end(JSON.stringify(evaluations));
    } else if (pathname === '/api/v1/evals/1/jobs') {
      const after = searchParams.get('after') ?? '';
      const rest = jobs.filter(({ attr }) => attr > after);
      response.end(JSON.stringify(rest.slice(0, Number(searchParams.get('limit')))));
    } else if (pathname === '/api/v1/jobs/1/log') {
      const lines = ['two', 'three'].map((text, index) => ({
        number: 1 + index,
        at_ms: 0,
        derivation: '',
        phase: '',
        text,
      }));
      response.end(JSON.stringify({ lines: searchParams.get('from') === '-2' ? lines : [], next: null }));
    } else {
      response.writeHead(404).end('nothing here');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

async function follow(
  onSnapshot: (snapshot: Snapshot) => void,
  deadlineMs = 20_000,
  until = signal,
): Promise<Snapshot> {
  const api = createApiClient(url, until);
  return await followEvaluation({
    api,
    repository: 'here/demo/sample',
    sha: SHA,
    deadlineMs,
    onSnapshot,
    signal: until,
  });
}

describe.each([true, false])('with events: %s', (areThere) => {
  it('shows what it finds on the way and returns the end, with all its jobs', async () => {
    hasEvents = areThere;
    const other = evaluationView({ id: 9, status: 'done' });
    evaluations = [other, evaluationView({ sha: SHA, status: 'building' })];
    const seen: string[] = [];

    const last = await follow(({ evaluation }) => {
      seen.push(evaluation.status);
      jobs = Array.from({ length: 501 }, (_, index) => jobView({ id: index + 1, attr: `a${1000 + index}` }));
      evaluations = [other, evaluationView({ sha: SHA, status: 'done', outcome: 'success' })];
      for (const stream of streams) {
        stream.write('event: change\ndata: {}\n\n');
      }
    });

    expect(seen).toEqual(['building', 'done']);
    expect(last.jobs).toHaveLength(501);
  });
});

it('says so when the push is never evaluated', async () => {
  await expect(follow(() => undefined, 100)).rejects.toThrow('the push was never evaluated');
});

it('ends at once when it is interrupted', async () => {
  const interruption = new AbortController();
  evaluations = [evaluationView({ sha: SHA, status: 'building' })];

  const following = follow(() => interruption.abort(), 20_000, interruption.signal);

  await expect(following).rejects.toThrow(/abort/i);
});

it('reads the end of a log', async () => {
  expect(await createApiClient(url, signal).logTail(1, 2)).toEqual(['two', 'three']);
});

it('a refusal is an error that names the request', async () => {
  await expect(createApiClient(url, signal).logTail(7, 2)).rejects.toThrow(
    'GET /api/v1/jobs/7/log?from=-2: expected 200, got 404',
  );
});
