/** What the coordinator says to an agent, numbered. */
import { z } from 'zod';
import { Count, WireDerivation, WireLease, WirePath } from './paths.ts';

export const ChannelUse = z.discriminatedUnion('kind', [
  /** `nix-store --serve --write`, its two streams compressed each on its own where that is asked. */
  z.object({ kind: z.literal('store'), compression: z.enum(['none', 'zstd']) }),
  /** The log of a lease from this line on, to its end: see log-stream.ts. */
  z.object({ kind: z.literal('log'), lease: WireLease, from: Count }),
]);
export type ChannelUse = z.output<typeof ChannelUse>;

export const CoordinatorMessage = z.discriminatedUnion('type', [
  /** Build these, `slots` at a time, after rooting all of it. Leases that it has already are left as they are. */
  z.object({
    type: z.literal('build'),
    batch: Count,
    slots: z.int().min(1).max(1024),
    timeout_ms: z.int().positive(),
    max_silent_ms: z.int().positive(),
    max_log_bytes: z.int().positive(),
    requests: z
      .array(z.object({ lease: WireLease, drv_path: WireDerivation, outputs: z.array(WirePath).max(1000) }))
      .min(1)
      .max(1000),
    /** Inputs that were brought for it: to be rooted until these leases are released. */
    inputs: z.array(WirePath).max(100_000),
  }),
  /** Stop it; it still says how it ended. */
  z.object({ type: z.literal('cancel'), lease: WireLease }),
  /** Nothing of it is needed any more: roots, log and ending are forgotten, and it is stopped where it still runs. */
  z.object({ type: z.literal('release'), lease: WireLease }),
  /** Fetch what the caches have of these; what they do not have is no failure. */
  z.object({ type: z.literal('substitute'), id: Count, paths: z.array(WirePath).max(100_000) }),
  z.object({ type: z.literal('stop_substituting'), id: Count }),
  /** Open a channel on the bulk connection, and the connection where there is none. */
  z.object({
    type: z.literal('open'),
    channel: z.string().regex(/^[0-9]{1,15}$/),
    use: ChannelUse,
    /** Nothing moves on the connection there is: it is to be left, and another one made. */
    anew: z.boolean().default(false),
  }),
]);
export type CoordinatorMessage = z.output<typeof CoordinatorMessage>;
export type CoordinatorMessageInput = z.input<typeof CoordinatorMessage>;
