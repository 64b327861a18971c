/** What a forge tells us, the same words for every kind: a parser of each forge makes these, one flow handles them. */
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';

/** A login at the forge, as it writes it. Logins are compared without letter case nowhere but at the forge itself. */
export type Login = string;

/** An open pull or merge request, whether a delivery or a list named it. */
export interface OpenRequest {
  readonly number: number;
  /** Where statuses go. */
  readonly headSha: Sha;
  /** The name of the branch that it comes from, for people; it may be one of another repository. */
  readonly headName: string;
  /** The branch that it is to be merged into. */
  readonly baseRef: GitRef;
  /** The head is a branch of the very repository that it is to be merged into: who pushed it may push there. */
  readonly isFromHere: boolean;
  readonly author: Login;
  readonly isDraft: boolean;
}

export type ForgeEvent =
  | {
      readonly kind: 'push';
      readonly ref: GitRef;
      readonly sha: Sha;
      /** Null where the ref is new, or the forge does not say. */
      readonly before: Sha | null;
    }
  | { readonly kind: 'deleted'; readonly ref: GitRef }
  | {
      readonly kind: 'request';
      readonly request: OpenRequest;
      /** Who pushed its head, where this very event was a push to it or its opening; null where nobody knows. */
      readonly pusher: Login | null;
    }
  | { readonly kind: 'closed'; readonly number: number }
  /** A button at the forge: build it again. Forges let only people press it who may push. */
  | { readonly kind: 'rerun'; readonly sha: Sha; readonly of: CheckHandle | null; readonly by: Login | null }
  /** A button of ours at the forge; that `by` may press it is still to be asked. */
  | { readonly kind: 'approve'; readonly sha: Sha; readonly of: CheckHandle | null; readonly by: Login }
  /** The installations of a GitHub App changed; which, is asked anew. */
  | { readonly kind: 'installations' }
  | { readonly kind: 'ignored'; readonly reason: string };

/** What we gave a check run as its external id: which evaluation, and which job where it is one's. */
export interface CheckHandle {
  readonly evaluationId: number;
  readonly jobId: number | null;
}

/** What the delivery said of its repository along the way; null where it said nothing. */
export interface RepositoryHint {
  readonly slug: RepositorySlug;
  readonly isPrivate: boolean | null;
  readonly defaultBranch: GitRef | null;
}
