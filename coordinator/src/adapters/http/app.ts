/** A fastify instance with what every listener of ours has: limits, headers, strict schemas, one face for errors. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { createBodyBudget, useBodyBudget } from './body-budget.ts';
import type { DeliverPorts } from './deliver.ts';
import { type ErrorPage, sendError } from './error-response.ts';
import { useSecurityHeaders } from './security-headers.ts';
import { useShortWay } from './short-way.ts';

export interface HttpLimits {
  readonly bodyBytes: number;
  /** All bodies in flight together. */
  readonly bodiesInFlightBytes: number;
  /** A request that has not come in whole by then is cut off. */
  readonly requestMs: number;
  /** How long a request in flight may take when the server closes; then its connection is cut. */
  readonly closeMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  bodyBytes: 25 * 1024 * 1024, // the largest delivery GitHub sends
  bodiesInFlightBytes: 100 * 1024 * 1024,
  requestMs: 60_000,
  closeMs: 3_000,
};

export interface AppOptions {
  readonly logger: Logger;
  readonly limits: HttpLimits;
  readonly trustedProxies: readonly string[];
  readonly errorPage: ErrorPage;
  /** Of those who take deliveries. */
  readonly deliveries?: DeliverPorts;
}

export function createApp({
  logger,
  limits,
  trustedProxies,
  errorPage,
  deliveries,
}: AppOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    genReqId: createReferences(),
    requestIdHeader: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    // Without them fastify loads compilers of its own (130 files) before it is given ours, below.
    schemaController: {
      compilersFactory: {
        buildValidator: () => isReplaced,
        buildSerializer: () => isReplaced,
      },
    },
    // An attribute or slug in a URL may be longer than the router's usual 100 characters.
    routerOptions: { maxParamLength: 16_384 },
    frameworkErrors: answerError,
  });

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    sendError(error, request, reply, { logger, errorPage });
  }

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw nothingHere();
  });
  useSecurityHeaders(app);
  const bodies = createBodyBudget(limits.bodiesInFlightBytes);
  useBodyBudget(app, bodies);
  if (deliveries !== undefined) {
    useShortWay(app, { ...deliveries, bodies, bodyBytes: limits.bodyBytes });
  }
  cutUnusedOnClose(app);
  return app;
}

/** What a log line and an answer have in common: unlike those of every other start, and cheap to make. */
function createReferences(): () => string {
  const ofThisStart = randomBytes(4).toString('hex');
  let count = 0;
  return () => {
    count += 1;
    return `${ofThisStart}${count.toString(16).padStart(4, '0')}`;
  };
}

function isReplaced(): never {
  throw new Error('no compiler of schemas was set');
}

/** Browsers dial ahead. A connection that has not asked for anything yet is none that Node counts as idle. */
function cutUnusedOnClose(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  app.addHook('preClose', (done) => {
    for (const socket of unused) {
      socket.destroy();
    }
    done();
  });
}

/** The same words for what does not exist and for what this reader may not see. */
export function nothingHere(): AppError {
  return new AppError('not-found', 'There is nothing here.');
}

/** Every route that is added from now on, as `GET /path`: tests walk them all, so that none is forgotten. */
export function recordRoutes(app: FastifyInstance): readonly string[] {
  const routes: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    routes.push(...[method].flat().map((one) => `${one} ${url}`));
  });
  return routes;
}

/** Ends within `graceMs`: idle connections at once, streams by their own preClose hooks, the rest is cut. */
export async function closeWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}
