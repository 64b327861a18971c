/**
 * What forges and strangers post to /webhook. A delivery goes through the door with its raw body, which judges it. A
 * forge of kind git has no hooks: whoever pokes it is believed nothing, and can only bring the next poll forward.
 */
import { RepositoryName } from '@argunix/shared/control-api/requests';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Commands } from '../../ports/commands.ts';
import type { RawDelivery } from '../../ports/delivery-door.ts';
import { judged } from './command-routes.ts';
import { type DeliverPorts, deliver } from './deliver.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface WebhookOptions extends DeliverPorts {
  /** The forges that take pokes, by the names of the configuration. */
  readonly forges: () => readonly string[];
  readonly poke: Commands['poke'];
  readonly logger: Logger;
  readonly now: () => number;
  /** Of pokes. */
  readonly burst: number;
  readonly refillMs: number;
}

const Slug = z.string().min(3).max(1024);

export async function addWebhookRoutes(parent: FastifyInstance, options: WebhookOptions): Promise<void> {
  await parent.register((plain, _options, done) => {
    readBodies(plain);
    // One line and one count for each delivery that is refused, wherever on its way: an operator finds here why a forge
    // shows a red cross.
    plain.addHook('onError', (request, _reply, error, next) => {
      const forge = forgeOf(request);
      if (!options.forges().includes(forge)) {
        options.received(forge, 'refused');
        options.logger.warn(
          { forge, code: error.code, from: request.ip, err: error },
          'a delivery was refused',
        );
      }
      next();
    });
    const buckets = new Map<string, TokenBucket>();
    const app = plain.withTypeProvider<ZodTypeProvider>();

    async function poke(
      request: FastifyRequest,
      reply: FastifyReply,
      forge: string,
      repo: z.infer<typeof Slug> | RepositoryName | undefined,
    ): Promise<unknown> {
      const bucket = buckets.get(forge) ?? createTokenBucket(options);
      buckets.set(forge, bucket);
      takeToken(bucket, () => options.received(forge, 'rate_limited'));
      const slug = toSlug(repo, forge);
      const verdict = await options.poke({ forge, slug, remoteAddress: request.ip });
      options.received(forge, verdict.kind === 'done' ? 'accepted' : 'refused');
      const { message } = judged(verdict);
      return await reply.code(202).send({ message });
    }

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
        return options.forges().includes(forge)
          ? await poke(request, reply, forge, request.query.repo)
          : await reply.code(202).send(await deliver(options, toDelivery(request, forge, null)));
      },
    );
    // What does not go the short way.
    plain.post<{ Params: { readonly forge: string; readonly hook: string } }>(
      '/webhook/:forge/:hook',
      async (request, reply) => {
        const { forge, hook } = request.params;
        return await reply.code(202).send(await deliver(options, toDelivery(request, forge, hook)));
      },
    );
    done();
  });
}

type RepositoryName = z.infer<typeof RepositoryName>;

function toDelivery({ headers, body }: FastifyRequest, forge: string, hook: string | null): RawDelivery {
  return { forge, hook, headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) };
}

/** Of the address. */
function forgeOf({ params }: FastifyRequest): string {
  return typeof params === 'object' && params !== null && 'forge' in params ? String(params.forge) : '';
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
function toSlug(repo: string | RepositoryName | undefined, forge: string): string | null {
  if (repo === undefined) {
    return null;
  }
  if (typeof repo === 'string') {
    return repo;
  }
  return repo.forge === forge ? repo.slug : `${repo.forge}/${repo.slug}`;
}

/** As they came, for their signature; whatever type they say they are. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}
