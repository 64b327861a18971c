/** Every wait of the agent, in one place. */
import type { ReconnectPace } from '../domain/reconnect.ts';

export interface AgentTimings {
  readonly connectMs: number;
  readonly handshakeMs: number;
  readonly welcomeMs: number;
  readonly ackMs: number;
  readonly reconnect: ReconnectPace;
  /** How long the bulk connection stays when nothing is on it. */
  readonly bulkIdleMs: number;
  readonly statsMs: number;
  readonly rereadMs: number;
  readonly keepEndedMs: number;
  readonly keepFetchedMs: number;
  /** Between the polite signal to a build and the kill of all that it started. */
  readonly graceMs: number;
  /** After the last word, for the coordinator to have heard it. */
  readonly farewellMs: number;
}

export const TIMINGS: AgentTimings = {
  connectMs: 10_000,
  // Keys are quick; a coordinator that starts, or a line of two hundred builders, is not.
  handshakeMs: 20_000,
  welcomeMs: 10_000,
  ackMs: 100,
  reconnect: { firstMs: 1_000, mostMs: 30_000 },
  bulkIdleMs: 60_000,
  statsMs: 10_000,
  rereadMs: 300_000,
  // A coordinator that does not ask within a day has given the lease to another long ago.
  keepEndedMs: 24 * 3_600_000,
  keepFetchedMs: 600_000,
  // What Nix was seen to need to end its builders.
  graceMs: 10_000,
  farewellMs: 3_000,
};
