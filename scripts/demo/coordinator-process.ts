/** The coordinator as a child of the demo: started, waited for, watched, stopped. */
import { createWriteStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';

export interface CoordinatorOptions {
  readonly command: string;
  readonly configPath: string;
  readonly logPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface CoordinatorProcess {
  /** Where it listens. */
  readonly url: string;
  /** Resolves when it has ended, for whatever reason, with a sentence. */
  readonly ended: Promise<string>;
  /** Asks it to stop and waits until it has. */
  stop(): Promise<void>;
}

// It migrates its database before it listens; a fresh or small one takes a fraction of a second.
const START_MS = 60_000;
// Node's timers hold 24.8 days; a demo that is watched longer may end.
const FOREVER_MS = 2 ** 31 - 1;
// It drains for up to 20 s.
const GRACE_MS = 25_000;

export async function startCoordinator(
  { command, configPath, logPath, env }: CoordinatorOptions,
  signal: AbortSignal,
): Promise<CoordinatorProcess> {
  const running = startProcess({
    command,
    args: ['serve', '--config', configPath],
    env,
    deadlineMs: FOREVER_MS,
    graceMs: GRACE_MS,
    whenOrphaned: 'TERM',
  });
  running.stderr.pipe(createWriteStream(logPath));
  const ended = running.ended.then(describeEnding);
  const listening = new Promise<string>((resolve) => {
    createInterface({ input: running.stdout }).on('line', (line) => {
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url !== undefined) {
        resolve(url);
      }
    });
  });
  const timeout = AbortSignal.timeout(START_MS);
  const first = await Promise.race([
    listening.then((url) => ({ kind: 'listening', url }) as const),
    ended.then((sentence) => ({ kind: 'ended', sentence }) as const),
    aborted(AbortSignal.any([signal, timeout])).then(() => ({ kind: 'given_up' }) as const),
  ]);
  if (first.kind === 'listening') {
    return {
      url: first.url,
      ended,
      async stop() {
        running.stop();
        await ended;
      },
    };
  }
  running.stop();
  await ended;
  signal.throwIfAborted();
  const sentence = first.kind === 'ended' ? first.sentence : 'did not listen within a minute';
  throw new Error(`the coordinator ${sentence}; the end of ${logPath}:\n${lastLines(logPath)}`);
}

/** The end of its log, for when it ended by itself. */
export function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
