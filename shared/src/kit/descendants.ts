/**
 * Which processes came of a process, read from /proc. A builder that Nix starts has a session of its own, so killing
 * a process group leaves it alive; what is collected here before the kill can be ended one by one.
 * On hosts without /proc it finds nothing and the process group is all there is.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setImmediate as untilOthersRan } from 'node:timers/promises';

export interface ProcessRecord {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks since boot: tells a process from a later one that got its number. */
  readonly startedAt: string;
}

/** Everything that descends from one of `pids`, or lives in a session that one of those leads; without `pids`. */
export function descendantsOf(pids: readonly number[]): readonly ProcessRecord[] {
  return amongAll(readProcesses(), pids);
}

/** The same, without holding up what else this program does: a host has hundreds of processes, and each is a file. */
export async function findDescendants(pids: readonly number[]): Promise<readonly ProcessRecord[]> {
  return amongAll(await lookAtAll(), pids);
}

function amongAll(all: readonly ProcessRecord[], pids: readonly number[]): readonly ProcessRecord[] {
  const roots = new Set(pids);
  const found: ProcessRecord[] = [];
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false;
    for (const record of all) {
      if (!roots.has(record.pid) && (roots.has(record.parent) || roots.has(record.session))) {
        found.push(record);
        roots.add(record.pid);
        isGrowing = true;
      }
    }
  }
  return found;
}

/**
 * `pid` and what was started by it and by those, a look at each of them and at nothing else: for who looks often, or
 * must know at once. Without those whose parent has ended before them.
 */
export function familyOf(pid: number): readonly number[] {
  if (!tellsChildren()) {
    return [pid, ...descendantsOf([pid]).map((record) => record.pid)];
  }
  const family = [pid];
  for (const one of family) {
    family.push(...childrenOf(one));
  }
  return family;
}

export function recordsOf(pids: Iterable<number>): readonly ProcessRecord[] {
  return [...pids].flatMap((pid) => readProcess(pid) ?? []);
}

let isTelling: boolean | undefined;

/** A kernel may be built without it. */
function tellsChildren(): boolean {
  isTelling ??= existsSync('/proc/thread-self/children');
  return isTelling;
}

/** Of each thread of its own. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    // It has ended.
    return [];
  }
}

/** Those of `records` that still are who they were; a zombie has ended, whether or not anyone asks after it. */
export function livingOf(records: Iterable<ProcessRecord>): readonly ProcessRecord[] {
  return [...records].filter(({ pid, startedAt }) => readProcess(pid)?.startedAt === startedAt);
}

/** Kills those of `records` that still are who they were. */
export function killAll(records: Iterable<ProcessRecord>): void {
  for (const { pid } of livingOf(records)) {
    sendSignal(pid, 'SIGKILL');
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
  return recordsOf(processNumbers());
}

const AT_ONCE_MS = 2;
let nextLook: Promise<readonly ProcessRecord[]> | undefined;

/** One for all who ask before it begins. */
function lookAtAll(): Promise<readonly ProcessRecord[]> {
  nextLook ??= untilOthersRan().then(async () => {
    nextLook = undefined;
    const records: ProcessRecord[] = [];
    let startedAt = performance.now();
    for (const pid of processNumbers()) {
      if (performance.now() - startedAt > AT_ONCE_MS) {
        await untilOthersRan();
        startedAt = performance.now();
      }
      records.push(...recordsOf([pid]));
    }
    return records;
  });
  return nextLook;
}

function processNumbers(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // No /proc on this system.
    return [];
  }
}

/** Nothing for one that is gone or waits as a zombie for its parent. */
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
  return fields[0] === 'Z' || fields[0] === 'X'
    ? undefined
    : { pid, parent: Number(fields[1]), session: Number(fields[3]), startedAt: fields[19] ?? '' };
}
