/**
 * `/metrics` tells strangers nothing. With a token it wants that token; without one only this very host may ask:
 * a loopback peer that no proxy speaks for and that asked for a loopback name (else a page in a browser on this host
 * could read it by DNS rebinding).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { nothingHere } from './app.ts';
import { bearerOf } from './reader.ts';

export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

const FORWARDING_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
];

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

function isFromThisHost(request: FastifyRequest): boolean {
  return (
    isLoopbackAddress(request.socket.remoteAddress ?? '') &&
    FORWARDING_HEADERS.every((name) => request.headers[name] === undefined) &&
    isLoopbackHost(request.headers.host ?? '')
  );
}

function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127(?:\.[0-9]{1,3}){3}$|^::1$/.test(address);
}

function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i.test(host);
}

// Digests are of one length, so the comparison tells nothing about where or how long the token is.
function isSameToken(sent: string | null, wanted: string): boolean {
  return sent !== null && wanted !== '' && timingSafeEqual(digest(sent), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
