import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JobLogs } from '../../ports/job-logs.ts';
import type { ReadFor } from './api-routes.ts';
import { type Page, type PageFrame, renderPage } from './pages/layout.ts';
import type { ReadableViews } from './readable-views.ts';
import { wantsJson } from './wants-json.ts';

/** What the routes of pages draw from. */
export interface PageSources {
  readonly readFor: ReadFor;
  readonly logs: JobLogs;
  readonly frame: () => PageFrame;
  readonly externalUrl: string;
  readonly now: () => number;
}

/** One request for a page, with what its reader may see. */
export interface PageRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly sources: PageSources;
  readonly views: ReadableViews;
}

/** The same thing as JSON or as a page, as the reader likes it; the page is drawn only when it is wanted. */
export function answer(
  { request, reply, sources }: PageRequest,
  json: unknown,
  draw: () => Page,
): FastifyReply {
  void reply.header('vary', 'Accept');
  if (wantsJson(request.headers.accept)) {
    return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(json);
  }
  return reply.type('text/html; charset=utf-8').send(renderPage(sources.frame(), draw()));
}
