import type { BuilderCapabilities, HostStats } from '@argunix/shared/protocol/capabilities';

export interface Host {
  /** All but how many build now. Never rejects: what cannot be told is 0. */
  stats(): Promise<Omit<HostStats, 'building'>>;
  /** What its Nix is set to now, as far as it is offered. */
  capabilities(): Promise<BuilderCapabilities>;
}
