/** For whoever watches the process: `/healthz` says that it answers, `/readyz` whether it can do its work. */
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance } from 'fastify';

export type Readiness = { readonly kind: 'ready' } | { readonly kind: 'not_ready'; readonly reason: string };

export function addHealthRoutes(app: FastifyInstance, readiness: () => Promise<Readiness> | Readiness): void {
  app.get('/healthz', (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'));

  app.get('/readyz', async (_request, reply) => {
    const verdict = await readiness();
    if (verdict.kind === 'not_ready') {
      throw new AppError('not-ready', verdict.reason);
    }
    return await reply.type('text/plain; charset=utf-8').send('ready\n');
  });
}
