/** `/badge/{forge}/{slug…}.svg?branch=` and `/badge/{forge}/{slug…}/{branch…}.svg`. */
import type { EvaluationView, RepositoryRef } from '@argunix/shared/control-api/views';
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import { parseGitRef } from '@argunix/shared/domain/git-ref';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ReadFor } from './api-routes.ts';
import { nothingHere } from './app.ts';
import { type BadgeState, drawBadge } from './badge.ts';
import type { ReadableViews } from './readable-views.ts';
import { rawPathOf } from './reader.ts';
import { decodeSegments, toRepository } from './repository-path.ts';

export function addBadgeRoutes(plain: FastifyInstance, readFor: ReadFor): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/badge/*',
    { schema: { querystring: z.object({ branch: z.string().max(1024).optional() }) } },
    (request, reply) => {
      const views = readFor(request);
      const wanted = findBadge(views, rawPathOf(request));
      if (wanted === undefined) {
        throw nothingHere();
      }
      const state = badgeState(views, wanted.repository, request.query.branch ?? wanted.branch);
      // A proxy that keeps what a token was shown would show it to strangers.
      const caching =
        request.headers.authorization === undefined
          ? { 'cache-control': 'public, max-age=60' }
          : { 'cache-control': 'private, no-store' };
      return reply
        .headers({ ...caching, vary: 'Authorization', 'cross-origin-resource-policy': 'cross-origin' })
        .type('image/svg+xml; charset=utf-8')
        .send(drawBadge(state));
    },
  );
}

interface WantedBadge {
  readonly repository: RepositoryRef;
  readonly branch: string | null;
}

/** The longest slug that is a repository wins; what is left is the branch, slashes and all. */
function findBadge(views: ReadableViews, rawPath: string): WantedBadge | undefined {
  if (!rawPath.endsWith('.svg')) {
    return undefined;
  }
  const segments = decodeSegments(rawPath.slice(0, -'.svg'.length))?.slice(1) ?? [];
  // No forge nests groups deeper than 20.
  for (let end = Math.min(segments.length, 24); end >= 3; end--) {
    const named = toRepository(segments.slice(0, end));
    const found = named === undefined ? undefined : views.repository(named);
    if (found !== undefined) {
      const rest = segments.slice(end).join('/');
      return { repository: found, branch: rest === '' ? found.default_branch : rest };
    }
  }
  return undefined;
}

/** By the newest finished evaluation of the branch; a cancelled or superseded one says nothing about it. */
function badgeState(views: ReadableViews, repository: RepositoryRef, branch: string | null): BadgeState {
  const ref = branch === null ? undefined : parseGitRef(branch);
  if (branch !== null && ref === undefined) {
    return 'unknown';
  }
  const { evaluations } = views.evaluations({
    repository,
    limit: 50,
    ...(ref !== undefined && { ref }),
  });
  const pushed = evaluations.filter((one) => one.pr_number === null);
  const finished = pushed.find((one) => one.status === 'done' || one.status === 'evaluation_failed');
  if (finished !== undefined) {
    return isPassing(finished) ? 'passing' : 'failing';
  }
  return pushed.some((one) => !isEvaluationEnded(one.status)) ? 'pending' : 'unknown';
}

function isPassing({ status, counts }: EvaluationView): boolean {
  return status === 'done' && counts.success + counts.cached === counts.total;
}
