/**
 * `/metrics` tells strangers nothing. With a token it wants that token; without one only this very host may ask.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance } from 'fastify';
import { nothingHere } from './app.ts';
import { bearerOf } from './reader.ts';
import { isFromThisHost } from './this-host.ts';

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

export function addMetricsRoute(
  app: FastifyInstance,
  options: { readonly render: () => Promise<MetricsText>; readonly token: () => string | null },
): void {
  app.get('/metrics', async (request, reply) => {
    const token = options.token();
    if (token === null && !isFromThisHost(request)) {
      throw nothingHere();
    }
    if (token !== null && !isSameToken(bearerOf(request), token)) {
      throw new AppError('unauthorized', 'The metrics need their token: Authorization: Bearer.');
    }
    const { contentType, body } = await options.render();
    return await reply.type(contentType).send(body);
  });
}

// Digests are of one length, so the comparison tells nothing about where or how long the token is.
function isSameToken(sent: string | null, wanted: string): boolean {
  return sent !== null && wanted !== '' && timingSafeEqual(digest(sent), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
