/** What of views comes from no row. */
import type { EvaluationView, HookCondition } from '@argunix/shared/control-api/views';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type {
  HookState,
  RepositoryDescription,
  RepositoryLinks,
} from '../../ports/repository-description.ts';
import { toTimeOrNull } from './view-fields.ts';

/** Quick: it is asked for every row. */
export type DescribeRepository = (id: RepositoryId, forge: string, slug: string) => RepositoryDescription;

/** Of a flake that somebody builds at their own desk. */
export const describeNothing: DescribeRepository = () => ({
  webUrl: null,
  isPrivate: false,
  links: null,
  hook: null,
});

export function evaluationLinks(
  links: RepositoryLinks | null,
  row: {
    readonly ref: string;
    readonly pr_number: number | null;
    readonly sha: string;
    readonly built_sha: string;
  },
): Pick<EvaluationView, 'request_url' | 'commit_url' | 'built_commit_url' | 'ref_url'> {
  return {
    request_url: links === null || row.pr_number === null ? null : links.request(row.pr_number),
    commit_url: links?.commit(row.sha as Sha) ?? null,
    built_commit_url: links?.commit(row.built_sha as Sha) ?? null,
    ref_url: links?.ref(row.ref) ?? null,
  };
}

export function hookCondition({ state, trouble, checkedAt, deliveredAt }: HookState): HookCondition {
  return {
    state,
    trouble,
    checked_at: toTimeOrNull(checkedAt),
    delivered_at: toTimeOrNull(deliveredAt),
  };
}
