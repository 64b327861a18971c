/** The streams that pages follow, with what comes on them held by the test. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

export interface LiveStreams {
  readonly plugin: (app: FastifyInstance) => void;
  tellLog(jobId: number, event: 'lines' | 'lag' | 'end', data: unknown): void;
  tellChange(event: string, data: unknown): void;
  /** How many follow this job's log now. */
  followers(jobId: number): number;
}

export function createLiveStreams(): LiveStreams {
  const streams = new Map<string, Set<ServerResponse>>();

  function follow(name: string, response: ServerResponse): void {
    const readers = streams.get(name) ?? new Set();
    streams.set(name, readers.add(response));
    response.once('close', () => readers.delete(response));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\n\n');
  }

  function tell(name: string, event: string, data: unknown): void {
    for (const reader of streams.get(name) ?? []) {
      reader.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  return {
    plugin(app) {
      app.get<{ Params: { id: string } }>('/api/v1/jobs/:id/log/stream', (request, reply) => {
        reply.hijack();
        follow(`log-${request.params.id}`, reply.raw);
      });
      app.get<{ Params: { id: string } }>('/api/v1/leases/:id/log/stream', (request, reply) => {
        reply.hijack();
        follow(`lease-${request.params.id}`, reply.raw);
      });
      app.get('/api/v1/events', (_request, reply) => {
        reply.hijack();
        follow('events', reply.raw);
      });
      app.addHook('preClose', (done) => {
        for (const reader of [...streams.values()].flatMap((readers) => [...readers])) {
          reader.end();
        }
        done();
      });
    },
    tellLog: (jobId, event, data) => tell(`log-${jobId}`, event, data),
    tellChange: (event, data) => tell('events', event, data),
    followers: (jobId) => streams.get(`log-${jobId}`)?.size ?? 0,
  };
}
