import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { BuilderOffer } from '../domain/builder-offer.ts';

export interface EnrolledBuilder {
  readonly name: string;
  /** The wire form of its SSH key, in base64. */
  readonly publicKey: string;
  /** Which it may still call itself by. */
  readonly formerName: string | null;
  readonly enrolledAt: EpochMs;
  readonly enrolledBy: 'token' | 'invitation';
  readonly revokedAt: EpochMs | null;
  /** It gets nothing new until it is resumed. */
  readonly drainedAt: EpochMs | null;
  readonly lastSeenAt: EpochMs | null;
  /** As it was when it was last there; null for one that never was. */
  readonly offer: BuilderOffer | null;
  readonly nixVersion: string | null;
}

export interface Invitation {
  readonly name: string;
  readonly expiresAt: EpochMs;
  readonly usedAt: EpochMs | null;
}

/** Who may build for us. Names and keys are unique; every change is one guarded statement. */
export interface BuilderStore {
  /** In the order of their names. */
  all(): readonly EnrolledBuilder[];
  byName(name: string): EnrolledBuilder | undefined;
  byKey(publicKey: string): EnrolledBuilder | undefined;
  /**
   * False when name or key are another's, or the invitation is not (or no longer) good for this name: then nothing has
   * changed.
   */
  enroll(
    builder: Pick<EnrolledBuilder, 'name' | 'publicKey'>,
    by: { readonly kind: 'token' } | { readonly kind: 'invitation'; readonly digest: string },
    at: EpochMs,
  ): Promise<boolean>;
  /** What it offers, and that it was there. */
  seen(
    name: string,
    what: { readonly offer: BuilderOffer; readonly nixVersion: string } | null,
    at: EpochMs,
  ): Promise<void>;
  setDrained(name: string, at: EpochMs | null): Promise<void>;
  /** `spentToken`: the digest of the shared token that it may know, which then enrolls nobody any more. */
  revoke(name: string, spentToken: string | null, at: EpochMs): Promise<void>;
  unrevoke(name: string): Promise<void>;
  /** With its active leases. False when the new name is another's. */
  rename(name: string, newName: string): Promise<boolean>;
  remove(name: string): Promise<void>;
  isSpent(tokenDigest: string): boolean;
  invite(digest: string, invitation: Pick<Invitation, 'name' | 'expiresAt'>, at: EpochMs): Promise<void>;
  invitation(digest: string): Invitation | undefined;
}
