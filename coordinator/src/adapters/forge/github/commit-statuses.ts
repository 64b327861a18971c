/** Checks as a person's token can show them: one line of text, no handle, the newest of a context counts. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { CheckState, ForgeCheck } from '../../../ports/forge.ts';
import { repositoryPath } from './addresses.ts';
import type { GitHubApi } from './api.ts';
import { contextWithin } from './context-within.ts';
import { cutLine } from './cut-text.ts';
import { missingRight } from './rights.ts';

const STATES: Readonly<Record<CheckState, 'pending' | 'success' | 'failure' | 'error'>> = {
  pending: 'pending',
  success: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
  action_required: 'pending',
};
const LONGEST_DESCRIPTION = 140;

export async function postStatus(
  api: GitHubApi,
  slug: RepositorySlug,
  check: ForgeCheck,
  signal: AbortSignal,
): Promise<null> {
  await api.send({
    as: { kind: 'repository', slug },
    method: 'POST',
    path: `${repositoryPath(slug)}/statuses/${check.sha}`,
    body: {
      state: STATES[check.state],
      context: contextWithin(check.context),
      description: cutLine(check.description, LONGEST_DESCRIPTION),
      target_url: check.url,
    },
    needs: missingRight(api.credentialKind, 'statuses', slug),
    signal,
  });
  return null;
}
