/** The listener that strangers reach: pages, the API (its write half for tokens), badges, pokes, health and metrics. */
import type { AddressInfo } from 'node:net';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FastifyInstance } from 'fastify';
import type { IdentifyBearer } from '../../ports/bearers.ts';
import type { Commands } from '../../ports/commands.ts';
import type { DeliveryDoor } from '../../ports/delivery-door.ts';
import type { JobDirectory } from '../../ports/job-directory.ts';
import type { JobLogs } from '../../ports/job-logs.ts';
import type { MayRead } from '../../ports/may-read.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Queue } from '../../ports/queue.ts';
import type { Views } from '../../ports/views.ts';
import { addApiRoutes, type ReadFor } from './api-routes.ts';
import { closeWithin, createApp, DEFAULT_HTTP_LIMITS, type HttpLimits, recordRoutes } from './app.ts';
import { addAssetRoutes, loadAssets } from './assets.ts';
import { useAudit } from './audit.ts';
import { addBadgeRoutes } from './badge-routes.ts';
import type { BuilderSources } from './builder-sources.ts';
import { addCommandRoutes } from './command-routes.ts';
import type { DeliverPorts } from './deliver.ts';
import { tokensDoor } from './doorkeeper.ts';
import { addHealthRoutes, type Readiness } from './health-routes.ts';
import { addMetricsRoute, type MetricsText } from './metrics-route.ts';
import { useOpenApi } from './openapi.ts';
import { addPageRoutes } from './page-routes.ts';
import { errorPage } from './pages/error-page.ts';
import { type PageFrame, renderPage } from './pages/layout.ts';
import { createReadableViews } from './readable-views.ts';
import { readerOf } from './reader.ts';
import { addRepositoryRoutes } from './repository-routes.ts';
import { isFromThisHost } from './this-host.ts';
import { addWebhookRoutes } from './webhook-routes.ts';

export interface HttpServerOptions {
  readonly views: Views;
  readonly queue: Queue;
  readonly directory: JobDirectory;
  /** Null for a builder that is not there. */
  readonly nixVersionOf: (builder: string) => string | null;
  readonly builders: BuilderSources;
  /** Sentences about what an operator should look at. */
  readonly warnings: () => readonly string[];
  readonly logs: JobLogs;
  readonly mayRead: MayRead;
  readonly commands: Commands;
  /** Whose token it is, for those who ask for changes. */
  readonly identify: IdentifyBearer;
  /** For deliveries of forges. */
  readonly door: DeliveryDoor;
  /** The forges that take unsigned pokes. */
  readonly pokedForges: () => readonly string[];
  readonly metrics: Pick<Metrics, 'webhookReceived'> & { render(): Promise<MetricsText> };
  /** Read when used, so that a new token counts at once; null means that only this host may ask. */
  readonly metricsToken: () => string | null;
  readonly readiness: () => Promise<Readiness> | Readiness;
  /** Routes of others that belong on this listener: logs and events. */
  readonly plugins: readonly ((app: FastifyInstance) => Promise<void> | void)[];
  readonly listen?: { readonly host: string; readonly port: number };
  readonly externalUrl: string;
  readonly version: string;
  readonly logger: Logger;
  readonly trustedProxies: readonly string[];
  readonly now: () => number;
  readonly limits?: Partial<HttpLimits>;
  readonly pokes?: { readonly burst: number; readonly refillMs: number };
}

export interface HttpServer {
  /** Resolves with the address as a URL once connections are accepted. Throws `listen.failed`. */
  listen(): Promise<string>;
  /** Ends within `limits.closeMs`, whatever clients do. Idempotent. */
  close(): Promise<void>;
  /** What this listener answers, as `GET /path`. */
  readonly routes: readonly string[];
  /** A request without a socket. */
  readonly inject: FastifyInstance['inject'];
}

// Only this host, unless told otherwise.
const LOOPBACK = { host: '127.0.0.1', port: 8080 };
// A push of a hundred branches pokes a hundred times; one poll answers them all.
const USUAL_POKES = { burst: 30, refillMs: 2000 };

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const assets = loadAssets();
  const startedAt = new Date(options.now()).toISOString();
  const frame = (): PageFrame => ({ assets, version: options.version, warnings: options.warnings() });
  // Pages know no operator by name yet; whoever sits at this host may see how its builders are.
  const readFor: ReadFor = (request) =>
    createReadableViews({ ...options, startedAt, isOperator: isFromThisHost(request) }, readerOf(request));
  const deliveries: DeliverPorts = {
    door: options.door,
    received: (forge, outcome) => options.metrics.webhookReceived(forge, outcome),
  };
  const app = createApp({
    logger: options.logger,
    limits,
    trustedProxies: options.trustedProxies,
    // Its frame shows no warnings: whatever made them may be what broke.
    errorPage: (error) => renderPage({ ...frame(), warnings: [] }, errorPage(error)),
    deliveries,
  });

  const routes = recordRoutes(app);
  const door = tokensDoor(options.identify);
  useAudit(app, options.logger, (request) => door.nameOf(request));
  await useOpenApi(app, options.version);
  addHealthRoutes(app, options.readiness);
  addMetricsRoute(app, { render: () => options.metrics.render(), token: options.metricsToken });
  addAssetRoutes(app, assets);
  addApiRoutes(app, readFor);
  addCommandRoutes(app, { commands: options.commands, readFor, door });
  addBadgeRoutes(app, readFor);
  const sources = { readFor, frame, logs: options.logs, externalUrl: options.externalUrl, now: options.now };
  addPageRoutes(app, sources);
  addRepositoryRoutes(app, sources);
  await addWebhookRoutes(app, {
    ...(options.pokes ?? USUAL_POKES),
    ...deliveries,
    forges: options.pokedForges,
    logger: options.logger,
    poke: (poke) => options.commands.poke(poke),
    now: options.now,
  });
  for (const plugin of options.plugins) {
    await plugin(app);
  }
  await app.ready();

  return {
    routes,
    inject: app.inject.bind(app),
    listen: () => listenOn(app, options.listen ?? LOOPBACK),
    close: () => closeWithin(app, limits.closeMs),
  };
}

async function listenOn(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new AppError(
      'listen.failed',
      isTaken
        ? `listen: ${host}:${port} is taken by another program. Stop that one, or choose another address.`
        : `listen: ${host}:${port}: ${messageOf(error)}`,
      { host, port },
      error,
    );
  }
  return toUrl(app.server.address());
}

function toUrl(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') {
    throw new Error(`expected a TCP address, got ${String(address)}`);
  }
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
