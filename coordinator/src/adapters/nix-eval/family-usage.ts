/**
 * What a process and all that came of it use. The memory is looked at a few times a second. A hard limit per process
 * (prlimit) stands beside it: it catches what grows faster than the eye looks; this one catches what many do together.
 */
import { readFileSync } from 'node:fs';
import { familyOf } from '@argunix/shared/kit/descendants';

// 200 ms: at the 1 to 2 GiB a second that Nix was seen to grow, a look late costs less than what a host can spare.
const LOOK_EVERY_MS = 200;

export interface WatchedProcess {
  /** Undefined until it runs. */
  readonly pid: number | undefined;
}

export interface MemoryWatch {
  /** Calls `onExcess` each time all together hold too much, and its family most of it. Returns what ends the watch. */
  watch(process: WatchedProcess, onExcess: () => void): () => void;
  close(): void;
}

export function watchMemory(maxBytes: number): MemoryWatch {
  const watched = new Map<WatchedProcess, () => void>();
  const timer = setInterval(look, LOOK_EVERY_MS);

  function look(): void {
    const held = [...watched].map(([{ pid }, onExcess]) => ({
      onExcess,
      bytes: pid === undefined ? 0 : familyBytes(pid),
    }));
    const total = held.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = held.toSorted((left, right) => right.bytes - left.bytes)[0];
    if (total > maxBytes && largest !== undefined) {
      largest.onExcess();
    }
  }

  return {
    watch(process, onExcess) {
      watched.set(process, onExcess);
      return () => void watched.delete(process);
    },
    close: () => clearInterval(timer),
  };
}

/** How long it and all that came of it have run, or would have, had a processor been free. */
export function familyBusyMs(pid: number): number {
  return familyOf(pid)
    .map(busyMs)
    .reduce((sum, ms) => sum + ms, 0);
}

function familyBytes(pid: number): number {
  return familyOf(pid)
    .map(residentBytes)
    .reduce((sum, bytes) => sum + bytes, 0);
}

function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
  } catch {
    // It ended since the list was read.
    return 0;
  }
}

// Documentation/scheduler/sched-stats.rst: nanoseconds on a processor, and waiting for one; of the first thread, where Nix evaluates.
function busyMs(pid: number): number {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ');
    return (Number(ran) + Number(waited)) / 1_000_000;
  } catch {
    // It ended since the list was read.
    return 0;
  }
}
