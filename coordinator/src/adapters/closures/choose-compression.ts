/** Whether the bytes of a channel travel compressed: it costs both sides a good part of a core. */
import type { ServeCompression } from '@argunix/shared/nix/serve-channel';

/** What is known of a link; nothing at first. */
export interface LinkHint {
  readonly bytesPerSecond?: number | undefined;
  readonly roundTripMs?: number | undefined;
}

// zstd at level 1 in Node takes in 150 to 300 MB/s on one core and gives out a third: below 40 MB/s the link is what
// one waits for, far above it the core.
const SLOW_BYTES_PER_SECOND = 40 * 1024 * 1024;
// Not the same building. An SSH channel has at most 2 MiB under way: 100 MB/s at 20 ms, whatever the cable could do.
const FAR_MS = 20;

export function chooseCompression({ bytesPerSecond, roundTripMs }: LinkHint): ServeCompression {
  if (bytesPerSecond !== undefined) {
    return bytesPerSecond < SLOW_BYTES_PER_SECOND ? 'zstd' : 'none';
  }
  return (roundTripMs ?? 0) > FAR_MS ? 'zstd' : 'none';
}
