/** What to tick where, when GitHub says 403, or 404 instead of it. docs/reference/forges/github.md has the same names. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';

const RIGHTS = {
  repository: { scope: 'repo', permission: 'Metadata: read' },
  pulls: { scope: 'repo', permission: 'Pull requests: read' },
  statuses: { scope: 'repo:status', permission: 'Commit statuses: read and write' },
  checks: { scope: 'repo', permission: 'Checks: read and write' },
  hooks: { scope: 'admin:repo_hook', permission: 'Webhooks: read and write' },
} as const;

export type Right = keyof typeof RIGHTS;

/** Continues `Most likely`. */
export function missingRight(kind: 'token' | 'app', right: Right, slug: RepositorySlug): string {
  const { scope, permission } = RIGHTS[right];
  return kind === 'token'
    ? `the token may not see ${slug}, or lacks the scope ${scope} (a fine-grained one: ${permission})`
    : `the App lacks the permission "${permission}", or ${slug} is not among the repositories that it is installed for`;
}
