/** What processes of this host take, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** The program with these of its descendants that are parts of itself: launcher, gate and courier, not nix-store. */
export function partsOf(pid: number): readonly number[] {
  const children = childrenOf(pid).filter((child) =>
    /compose\/(?:gate|courier)|launcher-process/.test(textOf(child, 'cmdline')),
  );
  return [pid, ...children.flatMap(partsOf)];
}

/** In MB, of all of them together. What several share counts several times. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(textOf(pid, 'status'))?.[1] ?? 0) / 1_024,
    0,
  );
}

/** In ms, since they began. */
export function processorOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = textOf(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
    return sum + 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
  }, 0);
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => Number(textOf(one, 'stat').split(') ')[1]?.split(' ')[1]) === pid);
}

function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended since it was listed.
    return '';
  }
}
