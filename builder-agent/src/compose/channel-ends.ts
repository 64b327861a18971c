/** What stands at this end of a channel: the store, or the log of a lease. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { ChannelUse } from '@argunix/shared/protocol/coordinator-message';
import type { LeaseDirectory } from '../adapters/files/lease-files.ts';
import { streamSpool } from '../adapters/files/stream-spool.ts';
import { serveStore } from '../adapters/nix/serve-store.ts';
import type { ServeChannel } from '../adapters/ssh/bulk-link.ts';

export interface ChannelEndsOptions {
  readonly env: NixEnvironment;
  readonly files: LeaseDirectory;
  readonly graceMs: number;
}

/** A sentence for what cannot be had. */
export function channelEnd(
  use: ChannelUse,
  { env, files, graceMs }: ChannelEndsOptions,
): ServeChannel | string {
  if (use.kind === 'store') {
    const { compression } = use;
    return async ({ fromCoordinator, toCoordinator, gone }) =>
      await serveStore(fromCoordinator, toCoordinator, gone, { env, graceMs, compression });
  }
  const spool = files.spool(use.lease);
  if (spool === undefined) {
    return `This builder has no lease ${use.lease}.`;
  }
  return async ({ fromCoordinator, toCoordinator, gone }) => {
    // Nothing is said to a log.
    fromCoordinator.resume();
    await pipeline(Readable.from(streamSpool(spool, use.from, gone)), toCoordinator, { signal: gone });
    return null;
  };
}
