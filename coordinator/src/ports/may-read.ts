import type { RepositoryRef } from '@argunix/shared/control-api/views';

/** Who asks, as far as the wire tells. */
export interface Reader {
  /** The token of `Authorization: Bearer`, unverified; null when none was sent. */
  readonly bearer: string | null;
}

/** Whether `repository` exists for this reader. Called for every row that is shown: it must be quick and must not throw. */
export type MayRead = (reader: Reader, repository: RepositoryRef) => boolean;
