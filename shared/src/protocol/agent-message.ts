/** What an agent says, numbered: none of it is lost while both sides live. */
import { z } from 'zod';
import { WireEnding } from './build-ending.ts';
import { BuilderCapabilities, Pause } from './capabilities.ts';
import { Count, WireLease } from './paths.ts';

export const AgentMessage = z.discriminatedUnion('type', [
  /** What it can do, and whether it wants work; sent when either changes. */
  z.object({ type: z.literal('offer'), capabilities: BuilderCapabilities, pause: Pause.nullable() }),
  /** Derivations, inputs and outputs of a batch are rooted there: the serve process that brought them may end. */
  z.object({ type: z.literal('rooted'), batch: Count }),
  /** The builder of this lease's derivation began. */
  z.object({ type: z.literal('started'), lease: WireLease }),
  /** `log_lines`: all that it wrote; the log is whole when so many have come. */
  z.object({ type: z.literal('ended'), lease: WireLease, ending: WireEnding, log_lines: Count }),
  /** While it fetches from its caches; said at least every heartbeat. */
  z.object({
    type: z.literal('substituting'),
    id: Count,
    bytes_done: Count,
    bytes_total: Count,
    /** What it fetches now. */
    text: z.string().max(1000),
  }),
  /** It is through with that, whether or not the caches had anything. */
  z.object({ type: z.literal('substituted'), id: Count }),
  /** It could not open the channel that it was asked for. */
  z.object({ type: z.literal('unopened'), channel: z.string().max(20), reason: z.string().max(2000) }),
  /** What it served on a channel ended otherwise than it should: the last that nix-store said. The channel is gone. */
  z.object({ type: z.literal('broken'), channel: z.string().max(20), reason: z.string().max(2000) }),
  /** It hangs up for good: nothing runs there any more. */
  z.object({ type: z.literal('leaving'), reason: z.string().max(1000) }),
]);
export type AgentMessage = z.output<typeof AgentMessage>;
export type AgentMessageInput = z.input<typeof AgentMessage>;
