/** What this host offers, and whether it wants work: looked at again and again, told when it changes. */
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { BuilderCapabilities, HostStats, Pause } from '@argunix/shared/protocol/capabilities';
import { judgeDisk } from '../domain/disk-pause.ts';
import type { CoordinatorLink } from '../ports/coordinator-link.ts';
import type { Host } from '../ports/host.ts';

export interface TellOfferPorts {
  readonly link: CoordinatorLink;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  readonly minFreeDiskBytes: number;
  readonly rereadMs: number;
  readonly statsMs: number;
  readonly building: () => number;
}

export interface Offer {
  readonly capabilities: BuilderCapabilities;
  readonly pause: Pause | null;
  readonly stats: HostStats | null;
  /** At the host now. Never rejects, as the next. */
  look(): Promise<void>;
  /** At Nix's settings. */
  reread(): Promise<void>;
  /** Nothing new from now on. */
  stopping(reason: string): void;
  watchStats(signal: AbortSignal): Promise<void>;
  watchCapabilities(signal: AbortSignal): Promise<void>;
}

/** The first look has been had: what is wrong with the options was said then. */
export function tellOffer(first: BuilderCapabilities, ports: TellOfferPorts): Offer {
  const { link, host, clock, log } = ports;
  let capabilities = first;
  let stats: HostStats | null = null;
  let lowDisk: string | null = null;
  let stopping: string | null = null;

  function pause(): Pause | null {
    if (stopping !== null) {
      return { why: 'stopping', reason: stopping };
    }
    return lowDisk === null ? null : { why: 'low_disk', reason: lowDisk };
  }
  function tell(): void {
    // A hello tells it whole.
    if (link.isUp) {
      link.send({ type: 'offer', capabilities, pause: pause() });
    }
  }
  async function look(): Promise<void> {
    stats = { ...(await host.stats()), building: ports.building() };
    // Where the size is not known, neither is that it is too little.
    const reason =
      stats.disk_total_bytes === 0
        ? null
        : judgeDisk(stats.disk_free_bytes, ports.minFreeDiskBytes, lowDisk !== null);
    if ((reason === null) !== (lowDisk === null)) {
      lowDisk = reason;
      if (reason === null) {
        log.info({}, 'there is room on the disk again');
      } else {
        log.warn({ reason }, 'the disk is nearly full: nothing new is begun');
      }
      tell();
    }
  }
  async function reread(): Promise<void> {
    try {
      const now = await host.capabilities();
      if (JSON.stringify(now) !== JSON.stringify(capabilities)) {
        capabilities = now;
        log.info({ capabilities }, 'what this host offers has changed');
        tell();
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'Nix did not tell its settings; the last known ones are kept');
    }
  }
  return {
    get capabilities() {
      return capabilities;
    },
    get pause() {
      return pause();
    },
    get stats() {
      return stats;
    },
    look,
    reread,
    stopping(reason) {
      stopping = reason;
      tell();
    },
    async watchStats(signal) {
      for (;;) {
        await clock.sleep(ports.statsMs, signal);
        if (signal.aborted) {
          return;
        }
        await look();
      }
    },
    async watchCapabilities(signal) {
      for (;;) {
        await clock.sleep(ports.rereadMs, signal);
        if (signal.aborted) {
          return;
        }
        await reread();
      }
    },
  };
}
