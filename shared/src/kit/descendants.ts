/**
 * Which processes came of a process, read from /proc. A builder that Nix starts has a session of its own, so killing
 * a process group leaves it alive; what is collected here before the kill can be ended one by one.
 * On hosts without /proc it finds nothing and the process group is all there is.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessRecord {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks since boot: tells a process from a later one that got its number. */
  readonly startedAt: string;
}

/** Everything that descends from `pid`, or lives in a session that one of them leads; without `pid` itself. */
export function descendantsOf(pid: number): readonly ProcessRecord[] {
  const all = readProcesses();
  const found = new Map<number, ProcessRecord>();
  const roots = new Set([pid]);
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false;
    for (const record of all) {
      if (
        record.pid !== pid &&
        !found.has(record.pid) &&
        (roots.has(record.parent) || roots.has(record.session))
      ) {
        found.set(record.pid, record);
        roots.add(record.pid);
        isGrowing = true;
      }
    }
  }
  return [...found.values()];
}

/** Kills those of `records` that still are who they were. */
export function killAll(records: Iterable<ProcessRecord>): void {
  for (const { pid, startedAt } of records) {
    if (readProcess(pid)?.startedAt === startedAt) {
      sendSignal(pid, 'SIGKILL');
    }
  }
}

/** False when there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    // ESRCH: it ended by itself between our look and the signal.
    return false;
  }
}

function readProcesses(): readonly ProcessRecord[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readProcess(Number(name)) ?? []);
  } catch {
    // No /proc on this system.
    return [];
  }
}

function readProcess(pid: number): ProcessRecord | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // Gone since the directory was listed.
    return undefined;
  }
  // proc(5): the name in parentheses may hold spaces and parentheses itself; the fields go on after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), session: Number(fields[3]), startedAt: fields[19] ?? '' };
}
