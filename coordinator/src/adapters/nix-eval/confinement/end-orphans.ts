/**
 * Ends the evaluators that a crash left behind. Each is tied to the coordinator that started it, but one that is killed
 * in the moment between making a sandbox and tying it leaves it running, on an expression that may never end.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendantsOf, killAll, sendSignal } from '@argunix/shared/kit/descendants';

/** Those whose scratch space is below `dir`, which nobody else may be using now. Returns how many processes of sandboxes there were. */
export function endOrphans(dir: string): number {
  const scratch = join(dir, 'tmp/');
  const orphans = pids().filter((pid) => isSandboxOf(argumentsOf(pid), scratch));
  const inside = descendantsOf(orphans);
  for (const pid of orphans) {
    sendSignal(pid, 'SIGKILL');
  }
  killAll(inside);
  return orphans.length;
}

function isSandboxOf([program = '', ...args]: readonly string[], scratch: string): boolean {
  return /(?:^|\/)bwrap$/.test(program) && args.some((arg) => arg.startsWith(scratch));
}

function pids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It ended meanwhile, or is not ours to look at.
    return [];
  }
}
