import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { ForgeKind } from '@argunix/shared/domain/forge-kind';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { OpenRequest } from '../domain/forge-event.ts';

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

export interface KnownRequest {
  readonly number: number;
  readonly headSha: Sha;
  readonly baseRef: GitRef;
}

export interface RepositoryStore {
  all(): readonly Repository[];
  /** Makes the row or finds it; never loses history. Idempotent. */
  ensure(repository: Omit<Repository, 'id'>, now: EpochMs): Promise<Repository>;
  /** As of the last look; null where nobody knows. */
  defaultBranch(id: RepositoryId): GitRef | null;
  /** The heads as of the last look. */
  heads(id: RepositoryId): readonly Head[];
  /** As it was last told of or seen. */
  head(id: RepositoryId, ref: GitRef): Sha | undefined;
  /** As its forge last said; null where it did not yet, or there is none. */
  facts(id: RepositoryId): { readonly isPrivate: boolean | null; readonly webUrl: string | null };
  /** Returns whether anything of it is new. */
  recordFacts(
    id: RepositoryId,
    facts: { readonly isPrivate: boolean; readonly webUrl: string; readonly defaultBranch: GitRef | null },
  ): Promise<boolean>;
  /** These are open, and are none of our business: they were there before us. */
  learnRequests(id: RepositoryId, requests: readonly OpenRequest[], at: EpochMs): Promise<void>;
  /** The open requests as of what we last heard. */
  requests(id: RepositoryId): readonly KnownRequest[];
  /** One of them, and when we last heard of it. */
  request(id: RepositoryId, number: number): { readonly headSha: Sha; readonly seenAt: EpochMs } | undefined;
  /** What the last look at the source found: new default branch, or the trouble it had. */
  recordLook(
    id: RepositoryId,
    look: { readonly at: EpochMs; readonly defaultBranch?: GitRef; readonly trouble: string | null },
  ): Promise<void>;
}
