/** Has our own Nix fetch paths from its caches; what has no signature that it trusts, it does not take. */
import { runProcess } from '@argunix/shared/kit/run-process';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';

// Some gigabytes from a slow cache; Nix gives up on one that is silent by itself.
const DEADLINE_MS = 3_600_000;
// Half a megabyte of arguments: a quarter of what Linux takes.
const BATCH = 5_000;

/** Never rejects: what could not be had is seen by asking which are valid. */
export async function substituteHere(
  env: NixEnvironment,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < paths.length && !signal.aborted; from += BATCH) {
    await runProcess({
      command: 'nix-store',
      args: ['--realise', '--keep-going', ...paths.slice(from, from + BATCH)],
      env,
      deadlineMs: DEADLINE_MS,
      signal,
      whenOrphaned: 'TERM',
    });
  }
}
