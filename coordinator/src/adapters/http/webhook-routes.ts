/**
 * Pokes of `kind: git`: unsigned, so nothing in them is believed. The body is read up to the limit and dropped; all a
 * poke can do is bring the next poll forward, at a bounded rate for each forge.
 */

import type { IncomingMessage } from 'node:http';
import { RepositoryName } from '@argunix/shared/control-api/requests';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Commands } from '../../ports/commands.ts';
import type { WebhookOutcome } from '../../ports/metrics.ts';
import { nothingHere } from './app.ts';
import { judged } from './command-routes.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface WebhookOptions {
  /** The forges that take pokes, by the names of the configuration. */
  readonly forges: () => readonly string[];
  readonly poke: Commands['poke'];
  readonly received: (forge: string, outcome: WebhookOutcome) => void;
  readonly now: () => number;
  readonly burst: number;
  readonly refillMs: number;
}

const Slug = z.string().min(3).max(1024);

export async function addWebhookRoutes(parent: FastifyInstance, options: WebhookOptions): Promise<void> {
  await parent.register((plain, _options, done) => {
    readAndDropBodies(plain);
    const buckets = new Map<string, TokenBucket>();
    const app = plain.withTypeProvider<ZodTypeProvider>();
    app.post(
      '/webhook/:forge',
      {
        schema: {
          params: z.object({ forge: z.string() }),
          // Strangers' hooks may add parameters of their own; only this one is read.
          querystring: z.object({ repo: z.union([RepositoryName, Slug]).optional() }),
        },
      },
      async (request, reply) => {
        const { forge } = request.params;
        if (!options.forges().includes(forge)) {
          throw nothingHere();
        }
        const bucket = buckets.get(forge) ?? createTokenBucket(options);
        buckets.set(forge, bucket);
        takeToken(bucket, () => options.received(forge, 'rate_limited'));
        const slug = toSlug(request.query.repo, forge);
        const verdict = await options.poke({ forge, slug, remoteAddress: request.ip });
        options.received(forge, verdict.kind === 'done' ? 'accepted' : 'refused');
        const { message } = judged(verdict);
        return await reply.code(202).send({ message });
      },
    );
    done();
  });
}

function takeToken(bucket: TokenBucket, onRefused: () => void): void {
  const verdict = bucket.take();
  if (verdict.kind === 'empty') {
    onRefused();
    throw new AppError('rate-limited', 'Too many pokes; the next poll comes soon anyway.', {
      retryAfterMs: verdict.retryAfterMs,
    });
  }
}

/** `owner/name`, or `forge/owner/name` when it begins with this forge. */
function toSlug(repo: string | { forge: string; slug: string } | undefined, forge: string): string | null {
  if (repo === undefined) {
    return null;
  }
  if (typeof repo === 'string') {
    return repo;
  }
  return repo.forge === forge ? repo.slug : `${repo.forge}/${repo.slug}`;
}

function readAndDropBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const most = request.routeOptions.bodyLimit;
    let bytes = 0;
    for await (const chunk of payload as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > most) {
        throw new AppError('usage.too-large', `body: expected at most ${most} bytes`);
      }
    }
    return null;
  });
}
