import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositoryId } from '@argunix/shared/domain/ids';

/** A hook that we keep at a forge: of one repository, or of a GitHub App for all of them. */
export interface KeptHook {
  /** The opaque last segment of its URL. */
  readonly id: string;
  readonly forge: string;
  readonly repositoryId: RepositoryId | null;
  /** Its secret is that of this generation; while it has not been installed, the one before counts too. */
  readonly generation: number;
  /** What the forge calls it; null until it is installed. */
  readonly forgeId: string | null;
  /** As it was last installed. */
  readonly url: string | null;
  /** Why it is not as wanted, for people. */
  readonly trouble: string | null;
  /** When it was last looked at; null: what the forge has is to be written anew, and has not been yet. */
  readonly checkedAt: EpochMs | null;
  readonly deliveredAt: EpochMs | null;
}

export interface HookStore {
  all(): readonly KeptHook[];
  /** Makes the row with this id, or finds the one that the repository (or the App of the forge) has. */
  ensure(
    wanted: { readonly id: string; readonly forge: string; readonly repositoryId: RepositoryId | null },
    at: EpochMs,
  ): Promise<KeptHook>;
  /** The hook was found or made to be as wanted. */
  installed(
    id: string,
    what: { readonly forgeId: string | null; readonly url: string; readonly at: EpochMs },
  ): Promise<void>;
  /** It could not be. One that has not been written since it was made or rotated is still to be. */
  failed(id: string, trouble: string, at: EpochMs): Promise<void>;
  /** A delivery of it came, and its signature was good. */
  delivered(id: string, at: EpochMs): Promise<void>;
  /** From now on its secret is another one; it is to be installed anew. */
  rotate(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}
