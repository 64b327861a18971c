import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';

export interface CheckPost {
  readonly repositoryId: RepositoryId;
  readonly sha: Sha;
  readonly context: string;
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  readonly description: string;
  readonly targetUrl: string;
}

/** What forges are still to be told, in order for each (repository, sha, context); it survives everything. */
export interface CheckOutbox {
  put(posts: readonly CheckPost[], at: EpochMs): Promise<void>;
  /** The oldest of each context that is due; a later one of the same context waits for it. */
  due(now: EpochMs, limit: number): readonly (CheckPost & { readonly id: number; readonly tries: number })[];
  delivered(id: number): Promise<void>;
  /** It stays, to be tried again. */
  postpone(id: number, nextTryAt: EpochMs, trouble: string): Promise<void>;
}
