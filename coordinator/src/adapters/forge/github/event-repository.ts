import { z } from 'zod';
import type { RepositoryHint } from '../../../domain/forge-event.ts';
import { WireBranch, WireSlug } from '../wire-values.ts';

export const EventRepository = z.object({
  full_name: WireSlug,
  private: z.boolean().nullable().catch(null),
  default_branch: WireBranch.nullable().catch(null),
});

export function toRepositoryHint({
  full_name: slug,
  private: isPrivate,
  default_branch: defaultBranch,
}: z.infer<typeof EventRepository>): RepositoryHint {
  return { slug, isPrivate, defaultBranch };
}
