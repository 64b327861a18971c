/** The first line that each side says on the control connection. */
import { z } from 'zod';
import { WireEnding } from './build-ending.ts';
import { BuilderName } from './builder-name.ts';
import { BuilderCapabilities, Pause } from './capabilities.ts';
import { Count, WireDerivation, WireLease } from './paths.ts';

/** A lease that the agent has, running or ended; it keeps it until it is released. */
export const HeldLease = z.object({
  lease: WireLease,
  drv_path: WireDerivation,
  /** Whether its own builder has begun. */
  started: z.boolean(),
  /** Null while it runs. */
  ending: WireEnding.nullable(),
  /** All that it wrote; null while it runs. */
  log_lines: Count.nullable(),
});
export type HeldLease = z.output<typeof HeldLease>;
export type HeldLeaseInput = z.input<typeof HeldLease>;

export const Hello = z.object({
  version: z.int().positive(),
  name: BuilderName,
  /** Of this life of the agent: numbers of frames go on within it. */
  session: z.string().min(8).max(64),
  /** The number of the last frame it has of this session; 0 for none. */
  received: Count,
  agent_version: z.string().max(100),
  capabilities: BuilderCapabilities,
  pause: Pause.nullable(),
  held: z.array(HeldLease).max(10_000),
});
export type Hello = z.output<typeof Hello>;
export type HelloInput = z.input<typeof Hello>;

export const Welcome = z.object({
  version: z.int().positive(),
  name: BuilderName,
  /** Frames of this session go on after this number; null: the coordinator does not know it, numbers begin anew. */
  received: Count.nullable(),
  /** How often each side gives a sign of life. Everything that waits for one is measured in it. */
  heartbeat_ms: z.int().min(10).max(600_000),
});
export type Welcome = z.output<typeof Welcome>;

/** Of each refusal, whether to come again by itself could ever help. */
export const REFUSALS = {
  'wrong-version': false,
  'name-taken': false,
  'key-has-another-name': false,
  revoked: false,
  'not-invited': false,
  displaced: false,
  malformed: true,
  stopping: true,
  busy: true,
} as const satisfies Record<string, boolean>;
export type RefusalCode = keyof typeof REFUSALS;

/** The last line before the coordinator hangs up. */
export const Refusal = z.object({
  code: z.string().max(50),
  /** A sentence that says what to do. */
  reason: z.string().max(1000),
});
export type Refusal = z.output<typeof Refusal>;

/** A code that a later version invents is one to come back after. */
export function mayComeAgain({ code }: Refusal): boolean {
  return Object.entries(REFUSALS).find(([known]) => known === code)?.[1] ?? true;
}
