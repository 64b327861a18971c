/** Who can read a repository: that it is not private does not suffice, its owner may be hidden. */
import { z } from 'zod';

export const Visibility = z.object({
  private: z.boolean().nullable().catch(null),
  /** Not private itself, but of a private organization. */
  internal: z.boolean().catch(false),
  /** `limited` is for everybody who has an account: we cannot see who reads, so that is private. */
  owner: z.object({ visibility: z.string().catch('public') }).catch({ visibility: 'public' }),
});

/** Null where it is not said. */
export function isPrivateRepository({
  private: isPrivate,
  internal,
  owner,
}: z.infer<typeof Visibility>): boolean | null {
  const isHidden = internal || !['public', ''].includes(owner.visibility);
  return isHidden ? true : isPrivate;
}
