/** Builder agents as children of the demo: each with a key, a name and a state of its own, on this host's Nix. */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';

export interface AgentsOptions {
  readonly command: string;
  readonly stateDirectory: string;
  readonly count: number;
  readonly port: number;
  readonly tokenPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Agents {
  readonly names: readonly string[];
  /** Resolves when one of them has ended by itself, with a sentence. */
  readonly lost: Promise<string>;
  stop(): Promise<void>;
}

const FOREVER_MS = 2 ** 31 - 1;
// Who ends the demo does not wait for builds.
const STOP_WITHIN_S = 2;
const GRACE_MS = 10_000;

export function startAgents(options: AgentsOptions): Agents {
  const agents = Array.from({ length: options.count }, (_, at) => startAgent(options, `builder-${at + 1}`));
  return {
    names: agents.map(({ name }) => name),
    lost: Promise.race(
      agents.map(async ({ name, logPath, running }) => {
        const sentence = describeEnding(await running.ended);
        return `${name} ${sentence} by itself; its log is ${logPath}`;
      }),
    ),
    stop: async () => {
      for (const { running } of agents) {
        running.stop();
      }
      await Promise.all(agents.map(({ running }) => running.ended));
    },
  };
}

function startAgent(
  { command, stateDirectory, port, tokenPath, env, count }: AgentsOptions,
  name: string,
): { readonly name: string; readonly logPath: string; readonly running: ReturnType<typeof startProcess> } {
  const own = join(stateDirectory, name);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const logPath = join(stateDirectory, `${name}.log`);
  const running = startProcess({
    command,
    args: [
      ...['--argunix-host', '127.0.0.1', '--argunix-port', String(port), '--name', name],
      // It is our own child at the other end of the loopback interface.
      ...['--enrollment-token-path', tokenPath, '--trust-first-host-key'],
      ...['--state-dir', own, '--stop-within', String(STOP_WITHIN_S)],
      // Several share the processors of this host.
      ...(count > 1 ? ['--max-jobs', '1'] : []),
    ],
    env,
    deadlineMs: FOREVER_MS,
    graceMs: GRACE_MS,
    whenOrphaned: 'TERM',
  });
  const log = createWriteStream(logPath);
  running.stdout.resume();
  running.stderr.pipe(log);
  return { name, logPath, running };
}
