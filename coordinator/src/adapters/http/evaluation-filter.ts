import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { EvaluationStatus } from '@argunix/shared/domain/evaluation-status';
import { parseGitRef } from '@argunix/shared/domain/git-ref';
import { AppError } from '@argunix/shared/kit/app-error';
import type { EvaluationFilter } from '../../ports/views.ts';

/** From what a query may say to what the views understand; a branch that git would refuse is refused here. */
export function toEvaluationFilter(query: {
  readonly repo?: RepositoryRef | undefined;
  readonly branch?: string | undefined;
  readonly status?: readonly EvaluationStatus[] | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}): EvaluationFilter {
  const { repo, branch, status, before, limit } = query;
  const ref = branch === undefined ? undefined : parseGitRef(branch);
  if (branch !== undefined && ref === undefined) {
    throw new AppError(
      'usage.invalid',
      `branch: expected a name that git takes, got ${JSON.stringify(branch)}`,
    );
  }
  return {
    limit,
    ...(repo !== undefined && { repository: repo }),
    ...(ref !== undefined && { ref }),
    ...(status !== undefined && { statuses: status }),
    ...(before !== undefined && { before }),
  };
}
