import type { BuilderPresence } from '../../ports/builder-presence.ts';
import type { EnrolledBuilder } from '../../ports/builder-store.ts';

/** Where pages and API read of builders what the queue does not know. */
export interface BuilderSources {
  enrolled(): readonly EnrolledBuilder[];
  readonly presence: BuilderPresence;
  /** `SHA256:…` of the key that builders meet; null where none can enroll. */
  readonly hostKey: string | null;
}
