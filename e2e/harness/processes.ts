/** What runs on this host, for tests that must see it run and be gone. */
import { readdirSync, readFileSync } from 'node:fs';

/** Processes whose command line holds `word`, which has to be one that no other test uses. */
export function processesWith(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => commandLine(pid).includes(word))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended since the directory was listed.
    return '';
  }
}
