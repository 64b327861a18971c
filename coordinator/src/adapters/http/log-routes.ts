/**
 * Logs of jobs, and of the shared dependencies that no job names, as text, as JSON and as they are written, and the feed of changes. What a build printed is hostile:
 * it leaves here as plain text or inside JSON, without control sequences, and never to be guessed at by a browser.
 */
import { EVENTS_PATH } from '@argunix/shared/control-api/paths';
import { IdParams } from '@argunix/shared/control-api/requests';
import { ErrorView, LogLineView } from '@argunix/shared/control-api/views';
import { type LeaseId, toLeaseId } from '@argunix/shared/domain/ids';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Changes } from '../../ports/changes.ts';
import type { LiveTail, LogStore, NumberedLine } from '../../ports/log-store.ts';
import { REFUSALS } from './api-routes.ts';
import { nothingHere } from './app.ts';
import { createChangeFeeds } from './change-feeds.ts';
import { displayedText } from './displayed-text.ts';
import { eventStream } from './event-stream.ts';
import { asEvents, type FoundLog, parseLastEventId, toLineView } from './log-events.ts';
import { createOpenResponses, type OpenResponseLimits, USUAL_RESPONSE_LIMITS } from './open-responses.ts';
import { API_PREFIX } from './openapi.ts';
import { bearerOf } from './reader.ts';
import { wantsJson } from './wants-json.ts';

interface LogAsk {
  readonly jobId: number;
  /** Null is the current one. */
  readonly attempt: number | null;
  /** The token of `Authorization: Bearer`, unverified; null when none was sent. */
  readonly bearer: string | null;
}

interface LeaseAsk {
  readonly leaseId: LeaseId;
  readonly bearer: string | null;
}

export interface LogRoutesOptions {
  readonly logs: LogStore & LiveTail;
  /** Undefined for a job that does not exist, that this reader may not see, or that has no log. */
  readonly findLog: (ask: LogAsk) => FoundLog | undefined;
  /** Undefined where this reader may see no job that needs the lease's derivation. */
  readonly findLeaseLog: (ask: LeaseAsk) => FoundLog | undefined;
  /** What a reader with this token, or without one, is told of; equal keys for those who are told the same. */
  readonly changesFor: (bearer: string | null) => { readonly key: string; readonly changes: Changes };
  readonly logger: Logger;
  readonly limits?: Partial<OpenResponseLimits>;
}

const Attempt = z.coerce.number().int().min(1).max(1_000_000).optional();
const From = z.coerce.number().int().max(1e12);
const LeaseLogQuery = z.strictObject({
  /** The number of the first line; below 0 it counts from the end. */
  from: From.min(-1e12).default(0),
  limit: z.coerce.number().int().min(1).max(1e12).optional(),
  download: z.string().optional(),
});
const LogQuery = LeaseLogQuery.extend({ attempt: Attempt });
const LeaseStreamQuery = z.strictObject({ from: From.min(0).optional() });
const StreamQuery = LeaseStreamQuery.extend({ attempt: Attempt });
/** `next` is where to go on, null when the log has ended there. */
const LogView = z.object({ lines: z.array(LogLineView), next: z.int().nullable() });

// A JSON answer is held in memory whole.
const MAX_JSON_LINES = 10_000;
const USUAL_JSON_LINES = 2_000;
const MAX_JSON_BYTES = 4 * 1024 * 1024;

export function logRoutes(app: FastifyInstance, options: LogRoutesOptions, done: () => void): void {
  const { logs, logger } = options;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const responses = createOpenResponses({ ...USUAL_RESPONSE_LIMITS, ...options.limits }, logger);
  const feeds = createChangeFeeds(options.changesFor);
  app.addHook('preClose', async () => {
    feeds.stop();
    await responses.close();
  });

  function find(request: FastifyRequest, jobId: number, attempt: number | undefined): FoundLog {
    return foundLog(options.findLog({ jobId, attempt: attempt ?? null, bearer: bearerOf(request) }));
  }
  function findOfLease(request: FastifyRequest, id: number): FoundLog {
    return foundLog(options.findLeaseLog({ leaseId: toLeaseId(id), bearer: bearerOf(request) }));
  }
  async function startOf(leaseId: LeaseId, from: number): Promise<number> {
    return from >= 0 ? from : Math.max(0, (await logs.lineCount(leaseId)) + from);
  }
  async function sendLog(
    request: FastifyRequest,
    reply: FastifyReply,
    { leaseId, isLive, isReadable }: FoundLog,
    wanted: LogWish,
  ): Promise<z.infer<typeof LogView> | undefined> {
    const start = await startOf(leaseId, wanted.from);
    reply.header('vary', 'accept');
    if (wantsJson(request.headers.accept)) {
      const count = Math.min(wanted.limit ?? USUAL_JSON_LINES, MAX_JSON_LINES);
      const { lines, hasMore } = await someLines(logs, leaseId, start, count);
      const next = (lines.at(-1)?.number ?? start - 1) + 1;
      return { lines: lines.map(toLineView), next: hasMore || isLive ? next : null };
    }
    const name = wanted.download === undefined ? 'inline' : `attachment; filename="${wanted.fileName}.log"`;
    responses.send(reply, {
      headers: { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': name, vary: 'accept' },
      produce: (signal) =>
        asText(whileReadable(logs.read(leaseId, start), isReadable), wanted.limit ?? Infinity, signal),
    });
    return undefined;
  }
  function streamLog(
    request: FastifyRequest,
    reply: FastifyReply,
    found: FoundLog,
    from: number | undefined,
  ): void {
    const resumed = parseLastEventId(request.headers['last-event-id'], found.leaseId);
    responses.send(
      reply,
      eventStream((signal) => asEvents(logs, found, resumed ?? from, signal)),
    );
  }

  routes.get(
    `${API_PREFIX}/jobs/:id/log`,
    {
      schema: {
        tags: ['read'],
        summary: 'The log of a job: plain text, or JSON when asked for',
        params: IdParams,
        querystring: LogQuery,
        response: { 200: LogView, ...REFUSALS, 503: ErrorView },
      },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { attempt, ...wish } = request.query;
      const { id } = request.params;
      return await sendLog(request, reply, find(request, id, attempt), { ...wish, fileName: `job-${id}` });
    },
  );

  routes.get(
    `${API_PREFIX}/jobs/:id/log/stream`,
    {
      schema: {
        tags: ['read'],
        summary: 'The log of a job as it is written: server-sent events lines, lag and end',
        params: IdParams,
        querystring: StreamQuery,
      },
      exposeHeadRoute: false,
    },
    (request, reply) => {
      const { from, attempt } = request.query;
      streamLog(request, reply, find(request, request.params.id, attempt), from);
    },
  );

  routes.get(
    `${API_PREFIX}/leases/:id/log`,
    {
      schema: {
        tags: ['read'],
        summary: 'The log of one dispatch of a derivation, for shared dependencies that no job names',
        params: IdParams,
        querystring: LeaseLogQuery,
        response: { 200: LogView, ...REFUSALS, 503: ErrorView },
      },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { id } = request.params;
      const fileName = `lease-${id}`;
      return await sendLog(request, reply, findOfLease(request, id), { ...request.query, fileName });
    },
  );

  routes.get(
    `${API_PREFIX}/leases/:id/log/stream`,
    {
      schema: {
        tags: ['read'],
        summary: 'The same as it is written: server-sent events lines, lag and end',
        params: IdParams,
        querystring: LeaseStreamQuery,
      },
      exposeHeadRoute: false,
    },
    (request, reply) => {
      streamLog(request, reply, findOfLease(request, request.params.id), request.query.from);
    },
  );

  const events = {
    tags: ['read'],
    summary: 'What has changed, as server-sent events repository, evaluation, jobs, queue and lag',
  };
  routes.get(EVENTS_PATH, { schema: events, exposeHeadRoute: false }, (request, reply) => {
    const lastEventId = z.string().max(100).optional().catch('').parse(request.headers['last-event-id']);
    responses.send(
      reply,
      eventStream((signal) => feeds.follow(bearerOf(request), lastEventId, signal)),
    );
  });
  done();
}

interface LogWish {
  readonly from: number;
  readonly limit?: number | undefined;
  readonly download?: string | undefined;
  readonly fileName: string;
}

function foundLog(log: FoundLog | undefined): FoundLog {
  if (log === undefined) {
    throw nothingHere();
  }
  return log;
}

/** Breaks off, so that nobody takes what came for the whole. */
async function* whileReadable<Batch>(
  batches: AsyncIterable<Batch>,
  isReadable: () => boolean,
): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    if (!isReadable()) {
      throw new Error('the reader may not read this log any more');
    }
    yield batch;
  }
}

async function* asText(
  batches: AsyncIterable<readonly NumberedLine[]>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let left = limit;
  for await (const batch of batches) {
    if (signal.aborted || left <= 0) {
      return;
    }
    const lines = left < batch.length ? batch.slice(0, left) : batch;
    left -= lines.length;
    yield Buffer.from(lines.map(toTextLine).join(''));
  }
}

async function someLines(
  logs: LogStore,
  leaseId: LeaseId,
  from: number,
  count: number,
): Promise<{ lines: readonly NumberedLine[]; hasMore: boolean }> {
  const lines: NumberedLine[] = [];
  let bytes = 0;
  for await (const batch of logs.read(leaseId, from)) {
    for (const line of batch) {
      if (lines.length >= count || bytes >= MAX_JSON_BYTES) {
        return { lines, hasMore: true };
      }
      lines.push(line);
      bytes += line.text.length;
    }
  }
  return { lines, hasMore: false };
}

function toTextLine({ derivation, text }: NumberedLine): string {
  const shown = displayedText(text);
  return derivation === '' ? `${shown}\n` : `${displayedText(derivation)}> ${shown}\n`;
}
