/** Asks the Nix store of this host. One serve process answers for as long as questions come, and a little longer. */

import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { StoreReader } from '../../ports/store-reader.ts';
import { openServeConnection, type ServeConnection } from './serve-connection.ts';

export interface StoreReaderOptions {
  readonly env: NixEnvironment;
  readonly derivations: DerivationReader;
  /** How long the process stays after an answer; so long what was asked for is held from the collector too. */
  readonly idleMs?: number;
  /** Of one question of at most 5,000 paths. */
  readonly deadlineMs?: number;
}

export interface ClosableStoreReader extends StoreReader {
  /** Ends the process; a later question starts another. */
  close(): Promise<void>;
}

// A question is read whole before it is answered: this many paths are half a megabyte on either side.
const BATCH = 5_000;

export function createStoreReader(options: StoreReaderOptions): ClosableStoreReader {
  const idleMs = options.idleMs ?? 10_000;
  const deadlineMs = options.deadlineMs ?? 60_000;
  let connection: ServeConnection | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function close(): Promise<void> {
    clearTimeout(idleTimer);
    const closing = connection;
    connection = undefined;
    await closing?.close();
  }
  async function ask(batch: readonly string[]): Promise<readonly string[]> {
    clearTimeout(idleTimer);
    if (connection?.isOpen() !== true) {
      connection = await openServeConnection(options.env);
    }
    const asked = connection;
    const deadline = setTimeout(() => void asked.close(), deadlineMs);
    try {
      return await asked.queryValidPaths(batch);
    } finally {
      clearTimeout(deadline);
      idleTimer = setTimeout(() => void close(), idleMs);
    }
  }
  /** A process that died between two questions is no reason to fail the second. */
  async function askAgain(batch: readonly string[]): Promise<readonly string[]> {
    try {
      return await ask(batch);
    } catch {
      // Whatever ended it, a new process either answers or tells its own reason.
      return await ask(batch);
    }
  }
  function inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const answer = queue.then(work);
    queue = answer.catch(() => undefined);
    return answer;
  }
  return {
    async validPaths(storePaths) {
      const valid = new Set<string>();
      const asked = [...new Set(storePaths)];
      for (let from = 0; from < asked.length; from += BATCH) {
        const batch = asked.slice(from, from + BATCH);
        const answers = await inTurn(() => askAgain(batch));
        for (const answer of answers) {
          valid.add(answer);
        }
      }
      return valid;
    },
    inputDerivations: (drvPath) => options.derivations.inputDerivations(drvPath),
    close,
  };
}
