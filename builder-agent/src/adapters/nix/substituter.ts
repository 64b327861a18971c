/** Fetches from the caches of this host's Nix, and builds nothing; what no cache has is no failure. */
import { plainText } from '@argunix/shared/domain/plain-text';
import type { StorePath } from '@argunix/shared/domain/store-path';
import { startProcess } from '@argunix/shared/kit/run-process';
import { ACTIVITY, createNixLogParser, type NixEvent, RESULT } from '@argunix/shared/nix/internal-json';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { createFetchTally, type FetchTally } from '../../domain/fetch-progress.ts';
import type { Substituter } from '../../ports/substituter.ts';

// A command line has room for 2 MiB; a path of the store has some 80 bytes, and 230 at most.
const PATHS_OF_ONE = 2_000;
// It says when it moves nothing: whoever asked ends it. This is for a Nix that nobody asks about any more.
const DEADLINE_MS = 24 * 3_600_000;

export interface SubstituterOptions {
  readonly env: NixEnvironment;
  readonly graceMs?: number;
}

export function createSubstituter(options: SubstituterOptions): Substituter {
  return {
    async fetch(paths, signal, progress) {
      const tally = createFetchTally();
      for (let from = 0; from < paths.length && !signal.aborted; from += PATHS_OF_ONE) {
        await fetchSome(paths.slice(from, from + PATHS_OF_ONE), signal, options, (event) => {
          if (count(event, tally)) {
            progress(tally.now());
          }
        });
        tally.close();
      }
    },
  };
}

async function fetchSome(
  paths: readonly StorePath[],
  signal: AbortSignal,
  { env, graceMs }: SubstituterOptions,
  onEvent: (event: NixEvent) => void,
): Promise<void> {
  const running = startProcess({
    command: 'nix-store',
    // Parsed paths of the store begin with a slash: none can be taken for an option.
    args: [
      ...['--realise', '-j0', '--option', 'builders', '', '--keep-going'],
      ...['--log-format', 'internal-json', ...paths],
    ],
    env,
    deadlineMs: DEADLINE_MS,
    signal,
    whenOrphaned: 'TERM',
    ...(graceMs === undefined ? {} : { graceMs }),
  });
  running.stdin.end();
  running.stdout.resume();
  const parser = createNixLogParser(onEvent);
  running.stderr.on('data', (chunk: Buffer) => parser.write(chunk));
  await running.ended;
  parser.end();
}

/** Whether it says anything about how far it is. */
function count(event: NixEvent, tally: FetchTally): boolean {
  switch (event.kind) {
    case 'start':
      if (event.activity !== ACTIVITY.copyPath) {
        return false;
      }
      tally.begin(event.id, plainText(event.text));
      return true;
    case 'stop':
      tally.end(event.id);
      return true;
    case 'result':
      return countResult(event, tally);
    case 'message':
    case 'line':
      return false;
  }
}

function countResult(
  { id, result, fields }: Extract<NixEvent, { kind: 'result' }>,
  tally: FetchTally,
): boolean {
  const [first, second] = fields;
  if (typeof first !== 'number' || typeof second !== 'number') {
    return false;
  }
  if (result === RESULT.progress) {
    tally.moved(id, first, second);
    return true;
  }
  if (result === RESULT.setExpected && first === ACTIVITY.copyPath) {
    tally.expect(second);
    return true;
  }
  return false;
}
