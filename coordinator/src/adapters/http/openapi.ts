/** The OpenAPI document of /api/v1, made from the schemas that check requests and answers. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

export const API_PREFIX = '/api/v1';
/** Of a route that changes something. */
export const NEEDS_TOKEN: readonly Record<string, string[]>[] = [{ token: [] }];

/** Must be awaited before the first route is added: it sees only what comes after it. */
export async function useOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'argunix',
        version,
        description:
          'Continuous integration for Nix flakes. Times are RFC 3339 UTC. Lists come newest first; the header Link names the next page. What the reader may not see does not exist.',
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description:
              'Made by argunixctl tokens create. Without one only what everybody may read is there, and nothing can be changed; the control socket needs none.',
          },
        },
      },
    },
    transform: (input) => {
      const isApi = input.url.startsWith(`${API_PREFIX}/`);
      return jsonSchemaTransform(isApi ? input : { ...input, schema: { hide: true } });
    },
  });
  app.get(`${API_PREFIX}/openapi.json`, { schema: { summary: 'This document', tags: ['api'] } }, () =>
    app.swagger(),
  );
}
