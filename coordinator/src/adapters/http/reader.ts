import type { FastifyRequest } from 'fastify';
import type { Reader } from '../../ports/may-read.ts';

export function readerOf(request: FastifyRequest): Reader {
  return { bearer: bearerOf(request) };
}

/** The token of `Authorization: Bearer`, or null. */
export function bearerOf(request: FastifyRequest): string | null {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

/** The path as it was sent, still encoded, without the query. */
export function rawPathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '/').split('?', 1)[0] ?? '/';
}
