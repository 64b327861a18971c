/**
 * The short way of a usual delivery: one whose length is announced and within the limit, to the address of a hook. It
 * is read and answered before fastify makes its own of the request, which is a fifth of all that a delivery costs.
 * Whatever is refused, and every other request, goes the usual way; what a refusal looks like is known there alone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { BodyBudget } from './body-budget.ts';
import type { DeliverPorts, DeliveryTold } from './deliver.ts';
import { deliver } from './deliver.ts';

/** As our own addresses are; others may be spelled in ways that only the router knows. */
const ADDRESS = /^\/webhook\/([\w.-]+)\/([\w-]+)$/;

export interface ShortWayOptions extends DeliverPorts {
  readonly bodyBytes: number;
  readonly bodies: BodyBudget;
}

/** To be called before anybody else listens to the server's requests. */
export function useShortWay(app: FastifyInstance, options: ShortWayOptions): void {
  const { bodies, bodyBytes } = options;
  const usual = app.server.listeners('request');
  const refused = new WeakMap<IncomingMessage, Error>();
  let isClosing = false;

  app.server.removeAllListeners('request');
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const [, forge, hook] = (request.method === 'POST' && ADDRESS.exec(request.url ?? '')) || [];
    const bytes = Number(request.headers['content-length'] ?? Number.NaN);
    const isShort = forge !== undefined && hook !== undefined && bytes <= bodyBytes && !isClosing;
    if (!isShort || !bodies.take(bytes)) {
      goUsually(request, response);
      return;
    }
    response.once('close', () => bodies.giveBack(bytes));
    wholeOf(request)
      .then((body) => deliver(options, { forge, hook, headers: request.headers, body }))
      .then(
        (told) => {
          // Its connection would be waited for.
          response.shouldKeepAlive &&= !isClosing;
          answer(response, told);
        },
        (error: unknown) => {
          refused.set(request, error instanceof Error ? error : new Error(String(error)));
          goUsually(request, response);
        },
      );
  });
  // Its body is read already, so it must not come as far as the parsers.
  app.addHook('onRequest', ({ raw }, _reply, done) => done(refused.get(raw)));
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });

  function goUsually(request: IncomingMessage, response: ServerResponse): void {
    for (const listener of usual) {
      listener.call(app.server, request, response);
    }
  }
}

/** A forge is no browser: the headers that protect one, and a copy of the body, were a tenth of what a delivery costs. */
function answer(response: ServerResponse, told: DeliveryTold): void {
  const text = JSON.stringify(told);
  const headers = {
    'x-content-type-options': 'nosniff',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  };
  response.writeHead(202, headers).end(text);
}

/** With fewer events for each than an async iterator makes. */
function wholeOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.once('error', reject);
  });
}
