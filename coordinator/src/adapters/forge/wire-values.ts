/** The values that every forge writes alike, read into our own words. Each refuses what our own parsers refuse. */
import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseRepositorySlug, type RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { isZeroSha, parseSha, type Sha } from '@argunix/shared/domain/sha';
import { z } from 'zod';

export const WireSha = z.string().transform((text, context): Sha => {
  const sha = parseSha(text);
  return sha ?? refuse(context, 'expected a full git object name');
});

/** Of something that is there: not the zeros that git writes for nothing. */
export const WireRevision = WireSha.refine((sha) => !isZeroSha(sha), 'expected a revision');

export const WireRef = z.string().transform((text, context): GitRef => {
  const ref = text.startsWith('refs/') ? parseGitRef(text) : undefined;
  return ref ?? refuse(context, 'expected a full ref name');
});

/** A branch without `refs/heads/`, whatever its name begins with. */
export const WireBranch = z.string().transform((text, context): GitRef => {
  return parseGitRef(`refs/heads/${text}`) ?? refuse(context, 'expected the name of a branch');
});

export const WireSlug = z.string().transform((text, context): RepositorySlug => {
  const verdict = parseRepositorySlug(text);
  return verdict.kind === 'slug' ? verdict.slug : refuse(context, 'expected the path of a repository');
});

/** Of a request, a user, a hook: counted from 1. */
export const WireNumber = z.int().positive();

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
