import type { EvaluationId, JobId, RepositoryId } from '@argunix/shared/domain/ids';

/** Something that is shown has changed, and has been stored. Carries no content: whoever cares reads it anew. */
export type Change =
  | { readonly kind: 'repository'; readonly repositoryId: RepositoryId }
  | { readonly kind: 'evaluation'; readonly evaluationId: EvaluationId }
  | { readonly kind: 'jobs'; readonly evaluationId: EvaluationId; readonly jobIds: readonly JobId[] }
  /** Who waits for what, or why: told at most a few times a second, however much happens. */
  | { readonly kind: 'queue' };

export interface Changes {
  tell(change: Change): void;
  /** Called at once for every change, in order, until the returned function is called. Listeners must not throw. */
  listen(listener: (change: Change) => void): () => void;
}
