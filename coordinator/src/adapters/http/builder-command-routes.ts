/** What an operator decides about builders. Added to the control socket alone, as the other commands. */
import { BuilderChange, InvitationView } from '@argunix/shared/control-api/builder-views';
import { BuilderParams, InviteBody, RenameBody } from '@argunix/shared/control-api/requests';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { BuilderAdministration } from '../../flows/administer-builders.ts';
import type { ReadFor } from './api-routes.ts';
import { joinCommand } from './builder-door.ts';
import type { BuilderSources } from './builder-sources.ts';
import { CHANGES, judged } from './command-routes.ts';
import { API_PREFIX } from './openapi.ts';

export interface AdministeredBuilders extends BuilderSources {
  readonly administration: BuilderAdministration;
}

const BUILDERS = `${API_PREFIX}/builders`;
const tags = ['change'];

export function addBuilderCommandRoutes(
  plain: FastifyInstance,
  { administration, presence }: AdministeredBuilders,
  { readFor, externalUrl }: { readonly readFor: ReadFor; readonly externalUrl: string },
): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.post(
    `${BUILDERS}/invite`,
    {
      schema: {
        tags,
        summary: 'Invite a new builder: a token that enrolls one key under this name, once',
        body: InviteBody,
        response: { 201: InvitationView, ...CHANGES },
      },
    },
    async (request, reply) => {
      const { name, valid_seconds: seconds } = request.body;
      const { token, expiresAt } = judged(await administration.invite(name, seconds * 1000));
      reply.code(201);
      return {
        name,
        token,
        expires_at: new Date(expiresAt).toISOString(),
        command: joinCommand({ name, token }, externalUrl, presence.address),
      };
    },
  );

  const verbs = [
    ['drain', 'Give a builder nothing new'],
    ['resume', 'Give a drained builder work again'],
    ['revoke', 'Shut a builder out'],
    ['unrevoke', 'Let a revoked builder in again'],
    ['remove', 'Forget a builder'],
  ] as const;
  for (const [verb, summary] of verbs) {
    app.post(
      `${BUILDERS}/:name/${verb}`,
      { schema: { tags, summary, params: BuilderParams, response: { 200: BuilderChange, ...CHANGES } } },
      async (request) => {
        const { name } = request.params;
        const { message } = judged(await administration[verb](name));
        return { message, builder: readFor(request).builder(name) ?? null };
      },
    );
  }

  app.post(
    `${BUILDERS}/:name/rename`,
    {
      schema: {
        tags,
        summary: 'Give a builder another name',
        params: BuilderParams,
        body: RenameBody,
        response: { 200: BuilderChange, ...CHANGES },
      },
    },
    async (request) => {
      const { name } = request.body;
      const { message } = judged(await administration.rename(request.params.name, name));
      return { message, builder: readFor(request).builder(name) ?? null };
    },
  );
}
