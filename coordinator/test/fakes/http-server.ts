/** The real server over fakes: what every test of a route starts from. */
import { AppError } from '@argunix/shared/kit/app-error';
import { silentLogger } from '@argunix/shared/kit/logger';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../src/adapters/http/server.ts';
import { createFakeCommands } from './commands.ts';
import { createFakeBuilders } from './fake-builders.ts';
import { createFakeDirectory, createFakeQueue } from './fake-queue.ts';
import { createFakeJobLogs } from './job-logs.ts';
import { evaluationRow, jobRow, repositoryRow } from './view-rows.ts';
import { createFakeViews, type FakeRows } from './views.ts';

export function smallRows(given: Partial<FakeRows> = {}): FakeRows {
  return {
    repositories: [repositoryRow()],
    evaluations: [evaluationRow({ id: 1 })],
    jobs: [jobRow({ id: 1, eval_id: 1, attr: 'packages.x86_64-linux.hello' })],
    attempts: new Map(),
    ...given,
  };
}

export async function startHttpServer(
  options: Partial<HttpServerOptions> & { readonly rows?: FakeRows } = {},
): Promise<HttpServer> {
  const { rows = smallRows(), ...given } = options;
  return await createHttpServer({
    views: createFakeViews(rows),
    queue: createFakeQueue(),
    directory: createFakeDirectory(rows),
    nixVersionOf: () => '2.8.0',
    builders: createFakeBuilders(),
    warnings: () => [],
    logs: createFakeJobLogs(new Map()),
    mayRead: () => true,
    commands: createFakeCommands(),
    identify: () => ({ kind: 'unknown' }),
    pokedForges: () => ['here'],
    door: () => Promise.reject(new AppError('not-found', 'There is nothing here.')),
    metrics: {
      webhookReceived() {},
      render: () => Promise.resolve({ contentType: 'text/plain', body: 'argunix_up 1\n' }),
    },
    metricsToken: () => null,
    readiness: () => ({ kind: 'ready' }),
    plugins: [],
    listen: { host: '127.0.0.1', port: 0 },
    externalUrl: 'https://ci.example.com',
    version: '0.1.0',
    logger: silentLogger,
    trustedProxies: [],
    now: () => Date.parse('2026-03-01T12:05:00.000Z'),
    ...given,
  });
}
