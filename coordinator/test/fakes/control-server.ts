/** The real control server over fakes, never listening. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { type ControlServerOptions, createControlServer } from '../../src/adapters/http/control-server.ts';
import type { HttpServer } from '../../src/adapters/http/server.ts';
import { createFakeCommands } from './commands.ts';
import { createFakeBuilders } from './fake-builders.ts';
import { createFakeHooks } from './fake-hooks.ts';
import { createFakeDirectory, createFakeQueue } from './fake-queue.ts';
import { createFakeTokens } from './fake-tokens.ts';
import { smallRows } from './http-server.ts';
import { createFakeViews } from './views.ts';

export async function startControl(options: Partial<ControlServerOptions> = {}): Promise<HttpServer> {
  return await createControlServer({
    commands: createFakeCommands(),
    reload: () => Promise.resolve({ kind: 'done', applied: [], needsRestart: [], warnings: [] }),
    socketPath: join(tmpdir(), 'argunix-never-listened-on.sock'),
    views: createFakeViews(smallRows()),
    queue: createFakeQueue(),
    directory: createFakeDirectory(smallRows()),
    nixVersionOf: () => null,
    builders: createFakeBuilders(),
    hooks: createFakeHooks(),
    forges: { all: () => [], resume: () => Promise.resolve({ kind: 'not_found' }) },
    tokens: createFakeTokens(systemClock).administration,
    warnings: () => [],
    readiness: () => ({ kind: 'ready' }),
    plugins: [],
    externalUrl: 'https://ci.example.com',
    version: '0.1.0',
    logger: silentLogger,
    now: () => 0,
    ...options,
  });
}
