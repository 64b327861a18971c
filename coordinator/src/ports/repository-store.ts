import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { ForgeKind } from '@argunix/shared/domain/forge-kind';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';

export interface Repository {
  readonly id: RepositoryId;
  readonly forge: string;
  readonly slug: RepositorySlug;
  readonly kind: ForgeKind;
}

export interface Head {
  readonly ref: GitRef;
  readonly sha: Sha;
}

export interface RepositoryStore {
  all(): readonly Repository[];
  /** Makes the row or finds it; never loses history. Idempotent. */
  ensure(repository: Omit<Repository, 'id'>, now: EpochMs): Promise<Repository>;
  /** As of the last look; null where nobody knows. */
  defaultBranch(id: RepositoryId): GitRef | null;
  /** The heads as of the last look. */
  heads(id: RepositoryId): readonly Head[];
  /** What the last look at the source found: new default branch, or the trouble it had. */
  recordLook(
    id: RepositoryId,
    look: { readonly at: EpochMs; readonly defaultBranch?: GitRef; readonly trouble: string | null },
  ): Promise<void>;
}
