import type { FastifyRequest } from 'fastify';

const FORWARDING_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
];

/**
 * Whether this very host asks: a loopback peer that no proxy speaks for and that asked for a loopback name (else a page
 * in a browser on this host could read what is meant for it by DNS rebinding).
 */
export function isFromThisHost(request: FastifyRequest): boolean {
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
