/** Tokens of the API: made, listed and revoked by the operator. Added to the control socket alone. */
import { NoQuery, TokenBody, TokenParams } from '@argunix/shared/control-api/requests';
import { NewTokenView, TokenView } from '@argunix/shared/control-api/token-views';
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type ApiToken, tokenState } from '../../domain/api-token.ts';
import type { TokenAdministration } from '../../flows/administer-tokens.ts';
import { REFUSALS } from './api-routes.ts';
import { CHANGES, judged } from './command-routes.ts';
import { API_PREFIX } from './openapi.ts';
import { toTime, toTimeOrNull } from './visible-steps.ts';

const TOKENS = `${API_PREFIX}/tokens`;
const DAY_MS = 86_400_000;
const tags = ['change'];

export function addTokenRoutes(plain: FastifyInstance, tokens: TokenAdministration, now: () => number): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    TOKENS,
    {
      schema: {
        tags: ['read'],
        summary: 'Tokens of the API, those that work no more too',
        querystring: NoQuery,
        response: { 200: z.array(TokenView), ...REFUSALS },
      },
    },
    () => tokens.all().map((token) => toView(token, toEpochMs(now()))),
  );

  app.post(
    TOKENS,
    {
      schema: {
        tags,
        summary: 'Make a token of the API; the token itself is told this once',
        body: TokenBody,
        response: { 201: NewTokenView, ...CHANGES },
      },
    },
    async (request, reply) => {
      const { name, may, repos, expires_days: days } = request.body;
      const { token, made } = judged(
        await tokens.create({
          name,
          rights: may,
          repositories: repos,
          validMs: days === undefined ? null : days * DAY_MS,
        }),
      );
      reply.code(201);
      return { ...toView(made, toEpochMs(now())), token };
    },
  );

  app.post(
    `${TOKENS}/:name/revoke`,
    {
      schema: {
        tags,
        summary: 'Revoke a token: it opens nothing any more, at once',
        params: TokenParams,
        response: { 200: TokenView, ...CHANGES },
      },
    },
    async (request) => toView(judged(await tokens.revoke(request.params.name)).revoked, toEpochMs(now())),
  );
}

function toView(token: ApiToken, now: EpochMs): TokenView {
  return {
    name: token.name,
    state: tokenState(token, now),
    may: [...token.rights],
    repos: token.repositories,
    created_at: toTime(token.createdAt),
    expires_at: toTimeOrNull(token.expiresAt),
    last_used_at: toTimeOrNull(token.lastUsedAt),
    revoked_at: toTimeOrNull(token.revokedAt),
  };
}
