import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import type { HostStats } from '@argunix/shared/protocol/capabilities';

/** How busy and how full this host is. Never rejects: what a system does not tell is 0. On Linux, free memory is MemAvailable. */
export async function readHostStats(storeDir = '/nix/store'): Promise<Omit<HostStats, 'building'>> {
  const disk = await statfs(storeDir).catch(() => undefined);
  return {
    load_1: loadavg()[0] ?? 0,
    cores: availableParallelism(),
    memory_used_bytes: Math.max(0, totalmem() - freemem()),
    memory_total_bytes: totalmem(),
    disk_free_bytes: disk === undefined ? 0 : disk.bavail * disk.bsize,
    disk_total_bytes: disk === undefined ? 0 : disk.blocks * disk.bsize,
  };
}
