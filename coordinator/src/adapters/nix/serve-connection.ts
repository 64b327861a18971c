/** One `nix-store --serve` process and the questions asked of it, one after the other. */
import { AppError } from '@argunix/shared/kit/app-error';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { greetServer } from '@argunix/shared/nix/serve-greeting';
import { createWireReader, createWireWriter, SERVE_COMMAND } from '@argunix/shared/nix/serve-protocol';

export interface ServeConnection {
  /** Those that are valid. While the process lives, each is held from the collector, valid or not. */
  queryValidPaths(storePaths: readonly string[]): Promise<readonly string[]>;
  /** Resolves when the process is gone. */
  close(): Promise<void>;
  readonly isOpen: () => boolean;
}

// Of one process; a new one takes over. It keeps the temporary roots of a day from adding up.
const LIFETIME_MS = 24 * 3_600_000;
const MAX_PATH_BYTES = 1_024;

export async function openServeConnection(env: NixEnvironment): Promise<ServeConnection> {
  const running = startProcess({
    command: 'nix-store',
    // Without --write the lock of a question is ignored: it takes a temporary root.
    args: ['--serve', '--write'],
    env,
    deadlineMs: LIFETIME_MS,
    graceMs: 2_000,
    whenOrphaned: 'TERM',
  });
  let said = '';
  running.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4_000);
  });
  let isOpen = true;
  const gone = running.ended.then((ending) => {
    isOpen = false;
    return ending;
  });
  const reader = createWireReader(running.stdout);

  /** What the process said on its way out is the better reason. */
  async function explained<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      running.stop();
      const ending = await gone;
      throw new AppError(
        'nix.failed',
        `nix-store --serve ${describeEnding(ending)}: ${said.trim()}`,
        {},
        error,
      );
    }
  }
  async function greet(): Promise<void> {
    const refusal = await greetServer(running.stdin, reader);
    if (refusal !== undefined) {
      throw new AppError('nix.failed', refusal);
    }
  }
  await explained(greet());
  return {
    isOpen: () => isOpen,
    queryValidPaths: (storePaths) => {
      running.stdin.write(
        createWireWriter()
          .integer(SERVE_COMMAND.queryValidPaths)
          .integer(1) // lock
          .integer(0) // no substitution: it would be silent until its end
          .strings(storePaths)
          .bytes(),
      );
      return explained(reader.strings(storePaths.length, MAX_PATH_BYTES));
    },
    async close() {
      running.stdin.end();
      running.stop();
      await gone;
    },
  };
}
