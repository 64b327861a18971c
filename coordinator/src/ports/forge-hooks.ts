import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Secret } from '@argunix/shared/kit/secret';

export interface WantedHook {
  readonly url: string;
  readonly secret: Secret;
}

export interface FoundHook {
  readonly id: string;
  readonly url: string;
  /** It is active, sends every event that we need in the form that we read, and checks certificates. */
  readonly isComplete: boolean;
  /** What is not as wanted, for people; empty when complete. */
  readonly differences: readonly string[];
}

/** The hooks of the repositories of one forge. Throws what `Forge` throws; `forge.forbidden` says which right is missing. */
export interface ForgeHooks {
  /** All hooks of the repository, ours and others', however many pages. */
  list(slug: RepositorySlug, signal: AbortSignal): Promise<readonly FoundHook[]>;
  /** Answers its id at the forge. */
  create(slug: RepositorySlug, wanted: WantedHook, signal: AbortSignal): Promise<string>;
  /** Makes hook `id` be as wanted, by whatever way this forge really follows. Answers its id from now on. */
  replace(slug: RepositorySlug, id: string, wanted: WantedHook, signal: AbortSignal): Promise<string>;
  /** One that is gone is no error. */
  remove(slug: RepositorySlug, id: string, signal: AbortSignal): Promise<void>;
}

/** The one hook of a GitHub App, set through its API; deliveries of every installation come there. */
export interface AppHook {
  /** Makes it be as wanted, always: its secret cannot be read. */
  configure(wanted: WantedHook, signal: AbortSignal): Promise<void>;
  /** Slugs, by owner, that the App is installed for are asked anew; a repository without one is `forge.forbidden`. */
  refreshInstallations(signal: AbortSignal): Promise<void>;
}
