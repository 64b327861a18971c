/**
 * Nix holds a line of a build's output in memory until the line ends, and six times over when it hands it on: a build
 * that prints 1 GB without a line end takes 6 GB of this host. What it holds before a builder begins is its graph (240 MB
 * for 10,000 derivations) and the build's own; what it grows by afterwards is such a line.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface OutputMemoryWatch {
  /** A builder began: from the first one on it is watched. */
  begin(): void;
  end(): void;
}

// No line that is meant to be read comes near; twice the growth that anything else was seen to cause.
export const MAX_OUTPUT_MEMORY_BYTES = 512 * 1024 ** 2;
// Nix was seen to grow by 30 to 60 MB a second of such a line.
const LOOK_EVERY_MS = 500;

/** Calls `onExcess` once when the process, or what works for it in the daemon, grows too large. */
export function watchOutputMemory(
  watched: { readonly pid: number | undefined },
  onExcess: () => void,
  maxBytes = MAX_OUTPUT_MEMORY_BYTES,
): OutputMemoryWatch {
  let timer: NodeJS.Timeout | undefined;
  function end(): void {
    clearInterval(timer);
  }
  return {
    begin() {
      const { pid } = watched;
      if (timer !== undefined || pid === undefined) {
        return;
      }
      const held = [pid, ...daemonsOf(pid)].map((one) => ({ one, before: residentBytes(one) }));
      timer = setInterval(() => {
        if (held.some(({ one, before }) => residentBytes(one) - before > maxBytes)) {
          end();
          onExcess();
        }
      }, LOOK_EVERY_MS);
    },
    end,
  };
}

/** The daemon serves each client by a process of its own, and names it by the client's number: `nix-daemon 1234`. */
function daemonsOf(client: number): readonly number[] {
  return listProcesses().filter((pid) => {
    const [program = '', argument = ''] = readProcess(pid, 'cmdline').split('\0');
    return argument === String(client) && program.endsWith('nix-daemon');
  });
}

function listProcesses(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // A host without /proc: then nobody watches.
    return [];
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProcess(pid, 'status'))?.[1] ?? 0) * 1_024;
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It ended.
    return '';
  }
}
