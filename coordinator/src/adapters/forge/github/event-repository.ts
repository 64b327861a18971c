import { parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseRepositorySlug } from '@argunix/shared/domain/repository-slug';
import { z } from 'zod';
import type { RepositoryHint } from '../../../domain/forge-event.ts';

export const EventRepository = z.object({
  full_name: z.string(),
  private: z.boolean().nullable().catch(null),
  default_branch: z.string().nullable().catch(null),
});
export type EventRepository = z.infer<typeof EventRepository>;

/** Undefined where its name is none. */
export function toRepositoryHint(repository: EventRepository): RepositoryHint | undefined {
  const verdict = parseRepositorySlug(repository.full_name);
  if (verdict.kind === 'refused') {
    return undefined;
  }
  const { private: isPrivate, default_branch: branch } = repository;
  return {
    slug: verdict.slug,
    isPrivate,
    defaultBranch: branch === null ? null : (parseGitRef(`refs/heads/${branch}`) ?? null),
  };
}
