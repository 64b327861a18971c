/** What processes of this host take, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const PARTS = /\/(gate|courier|launcher)(?:-process)?\.[jt]s/;

/** The program with these of its descendants that are parts of itself, by name: not nix-store. */
export function namedPartsOf(pid: number, name = 'coordinator'): ReadonlyMap<string, number> {
  const parts = new Map([[name, pid]]);
  for (const child of childrenOf(pid)) {
    const part = PARTS.exec(textOf(child, 'cmdline'))?.[1];
    for (const [inner, innerPid] of part === undefined ? [] : namedPartsOf(child, part)) {
      parts.set(inner, innerPid);
    }
  }
  return parts;
}

export function partsOf(pid: number): readonly number[] {
  return [...namedPartsOf(pid).values()];
}

/** In MB, of all of them together: of each what is its own, and once what they map of files, which is one program. */
export function memoryOf(pids: readonly number[]): number {
  const own = pids.map((pid) => statusOf(pid, 'RssAnon') + statusOf(pid, 'RssShmem'));
  const shared = pids.map((pid) => statusOf(pid, 'RssFile'));
  return own.reduce((sum, one) => sum + one, 0) + Math.max(0, ...shared);
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

function statusOf(pid: number, field: string): number {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(textOf(pid, 'status')) ?? [];
  return Number(kilobytes ?? 0) / 1_024;
}

function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It ended since it was listed.
    return '';
  }
}
