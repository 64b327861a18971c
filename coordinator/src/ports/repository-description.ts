import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Sha } from '@argunix/shared/domain/sha';

/** What is shown of a repository besides its row. */
export interface RepositoryDescription {
  /** Where people look at its source, when that is a web page. */
  readonly webUrl: string | null;
  /** Whether strangers may not know of it. */
  readonly isPrivate: boolean;
  /** Null where its forge has no pages. */
  readonly links: RepositoryLinks | null;
  /** Null where nobody tells us of pushes. */
  readonly hook: HookState | null;
}

/** Pages of its forge, in the forge's own style. */
export interface RepositoryLinks {
  commit(sha: Sha): string;
  /** Null for a ref that has no page. */
  ref(ref: string): string | null;
  request(number: number): string;
}

export interface HookState {
  /** `never_installed`: and no trouble with it is known. */
  readonly state: 'good' | 'trouble' | 'never_installed';
  readonly trouble: string | null;
  readonly checkedAt: EpochMs | null;
  readonly deliveredAt: EpochMs | null;
}
