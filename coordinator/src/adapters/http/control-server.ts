/**
 * The same API with its write half, on a Unix socket: whoever can open the socket is the operator and may read and do
 * everything. The folder of the socket keeps others out; it is the caller's to make, with mode 0700.
 */
import { chmod, rm } from 'node:fs/promises';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import type { FastifyInstance } from 'fastify';
import type { HookAdministration } from '../../flows/administer-hooks.ts';
import type { TokenAdministration } from '../../flows/administer-tokens.ts';
import type { Commands } from '../../ports/commands.ts';
import type { ForgeAdministration } from '../../ports/forge-administration.ts';
import type { Reload } from '../../ports/reload.ts';
import { addApiRoutes, type ReadFor } from './api-routes.ts';
import { closeWithin, createApp, DEFAULT_HTTP_LIMITS, recordRoutes } from './app.ts';
import { useAudit } from './audit.ts';
import { type AdministeredBuilders, addBuilderCommandRoutes } from './builder-command-routes.ts';
import { addCommandRoutes } from './command-routes.ts';
import { operatorsDoor } from './doorkeeper.ts';
import { addForgeCommandRoutes } from './forge-command-routes.ts';
import { addHealthRoutes } from './health-routes.ts';
import { useOpenApi } from './openapi.ts';
import { createReadableViews } from './readable-views.ts';
import { addReloadRoute } from './reload-route.ts';
import type { HttpServer, HttpServerOptions } from './server.ts';
import { addTokenRoutes } from './token-routes.ts';

export interface ControlServerOptions
  extends Pick<
    HttpServerOptions,
    | 'views'
    | 'queue'
    | 'directory'
    | 'nixVersionOf'
    | 'warnings'
    | 'readiness'
    | 'plugins'
    | 'externalUrl'
    | 'version'
    | 'logger'
    | 'now'
    | 'limits'
  > {
  readonly socketPath: string;
  readonly commands: Commands;
  readonly builders: AdministeredBuilders;
  readonly reload: Reload;
  readonly tokens: TokenAdministration;
  readonly hooks: HookAdministration;
  readonly forges: ForgeAdministration;
}

export async function createControlServer(options: ControlServerOptions): Promise<HttpServer> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const startedAt = new Date(options.now()).toISOString();
  const operator = { bearer: null };
  const readFor: ReadFor = () =>
    createReadableViews({ ...options, startedAt, mayRead: () => true, isOperator: true }, operator);
  const app = createApp({
    logger: options.logger,
    limits,
    trustedProxies: [],
    errorPage: ({ message }) => message,
  });
  const routes = recordRoutes(app);
  useAudit(app, options.logger, (request) => operatorsDoor.nameOf(request));
  await useOpenApi(app, options.version);
  addHealthRoutes(app, options.readiness);
  addApiRoutes(app, readFor);
  addCommandRoutes(app, { commands: options.commands, readFor, door: operatorsDoor });
  addBuilderCommandRoutes(app, options.builders, { readFor, externalUrl: options.externalUrl });
  addReloadRoute(app, options.reload);
  addTokenRoutes(app, options.tokens, options.now);
  addForgeCommandRoutes(app, options);
  for (const plugin of options.plugins) {
    await plugin(app);
  }
  await app.ready();

  return {
    routes,
    inject: app.inject.bind(app),
    listen: () => listenOn(app, options.socketPath),
    async close() {
      await closeWithin(app, limits.closeMs);
      await rm(options.socketPath, { force: true });
    },
  };
}

/** A socket that a crash left behind is replaced: the instance lock says that nobody else serves it. */
async function listenOn(app: FastifyInstance, socketPath: string): Promise<string> {
  try {
    await rm(socketPath, { force: true });
    await app.listen({ path: socketPath });
    await chmod(socketPath, 0o600);
  } catch (error) {
    throw new AppError('listen.failed', `control socket: ${messageOf(error)}`, { socketPath }, error);
  }
  return `unix:${socketPath}`;
}
