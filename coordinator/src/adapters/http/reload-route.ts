/** The configuration read again. Added to the control socket alone, as the other commands. */
import { ReloadView } from '@argunix/shared/control-api/reload-view';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Reload } from '../../ports/reload.ts';
import { CHANGES, judged } from './command-routes.ts';
import { API_PREFIX } from './openapi.ts';

export function addReloadRoute(plain: FastifyInstance, reload: Reload): void {
  plain.withTypeProvider<ZodTypeProvider>().post(
    `${API_PREFIX}/reload`,
    {
      schema: {
        tags: ['change'],
        summary: 'Read the configuration again and apply what needs no restart',
        response: { 200: ReloadView, ...CHANGES },
      },
    },
    async () => {
      const { applied, needsRestart, warnings } = judged(await reload('the control socket'));
      return { applied: [...applied], needs_restart: [...needsRestart], warnings: [...warnings] };
    },
  );
}
