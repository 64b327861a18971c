import type { StorePath } from '@argunix/shared/domain/store-path';

export interface FetchProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly text: string;
}

/** Asks the caches that this host's Nix knows. */
export interface Substituter {
  /** Resolves when it is through, whatever they had; `progress` tells how far it is. */
  fetch(
    paths: readonly StorePath[],
    signal: AbortSignal,
    progress: (now: FetchProgress) => void,
  ): Promise<void>;
}
