/**
 * The one place where an error becomes an answer. Two faces: strangers get a code and a sentence, the log gets the
 * rest, and both get the reference that ties them together.
 */
import type { ErrorView } from '@argunix/shared/control-api/views';
import { sizeText } from '@argunix/shared/domain/size-text';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { ErrorCode } from '@argunix/shared/kit/error-codes';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { wantsHtml } from './wants-json.ts';

export interface PublicError {
  readonly httpStatus: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly reference: string;
}

/** Draws an error for a browser. */
export type ErrorPage = (error: PublicError) => string;

// Their messages are written for whoever asked; those of other codes may name paths and addresses of ours.
const WRITTEN_FOR_READERS: ReadonlySet<ErrorCode> = new Set([
  'usage.invalid',
  'usage.too-large',
  'not-found',
  'not-ready',
  'rate-limited',
  'busy',
  'unauthorized',
  'forbidden',
  'state.refused',
  'webhook.bad-signature',
  'webhook.malformed',
]);

export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { logger, errorPage }: { readonly logger: Logger; readonly errorPage: ErrorPage },
): FastifyReply {
  const shown = { ...toPublicError(error, request), reference: request.id };
  logError(error, shown, request, logger);
  void reply.code(shown.httpStatus).headers(headersOf(error, shown));
  if (wantsHtml(request.headers.accept) && !request.url.startsWith('/api/')) {
    return reply.type('text/html; charset=utf-8').send(errorPage(shown));
  }
  const { code, message, reference } = shown;
  const body: ErrorView = { error: { code, message, reference } };
  return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(body);
}

function toPublicError(error: unknown, request: FastifyRequest): Omit<PublicError, 'reference'> {
  if (isAppError(error)) {
    const { httpStatus, publicMessage } = error.traits;
    const message = WRITTEN_FOR_READERS.has(error.code) ? error.message : publicMessage;
    return { httpStatus, code: error.code, message };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map(
      ({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.') || 'request'}: ${message}`,
    );
    return { httpStatus: 400, code: 'usage.invalid', message: problems.join('; ') };
  }
  return toPublicFrameworkError(error, request);
}

/** fastify's own refusals of a request (too large, no such media type, bad URL) are the requester's to see. */
function toPublicFrameworkError(error: unknown, request: FastifyRequest): Omit<PublicError, 'reference'> {
  const status = isFastifyError(error) ? (error.statusCode ?? 500) : 500;
  if (status === 404) {
    return { httpStatus: 404, code: 'not-found', message: 'There is nothing here.' };
  }
  if (status === 413) {
    const most = sizeText(request.routeOptions.bodyLimit);
    return { httpStatus: status, code: 'usage.too-large', message: `body: expected at most ${most}` };
  }
  if (status >= 400 && status < 500) {
    return { httpStatus: status, code: 'usage.invalid', message: messageOf(error) };
  }
  if (status === 503) {
    return { httpStatus: 503, code: 'not-ready', message: 'argunix is stopping.' };
  }
  return { httpStatus: 500, code: 'internal', message: 'Something went wrong inside argunix.' };
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('FST_');
}

function headersOf(error: unknown, shown: PublicError): Record<string, string> {
  if (shown.httpStatus === 401) {
    return { 'www-authenticate': 'Bearer realm="argunix"' };
  }
  const retryAfterMs = isAppError(error) ? error.details['retryAfterMs'] : undefined;
  if (shown.httpStatus !== 429 && shown.httpStatus !== 503) {
    return {};
  }
  return { 'retry-after': String(typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / 1000) : 5) };
}

function logError(error: unknown, shown: PublicError, request: FastifyRequest, logger: Logger): void {
  const details = {
    err: error,
    code: shown.code,
    reference: shown.reference,
    method: request.method,
    url: request.url,
  };
  if (shown.httpStatus >= 500 && shown.httpStatus !== 503) {
    logger.error(details, 'request failed');
  } else {
    logger.debug(details, 'request refused');
  }
}
