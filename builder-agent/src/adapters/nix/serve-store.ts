/**
 * Serves this host's store on a channel: `nix-store --serve --write` with its two streams spliced to it, one pump for
 * each direction, so that neither waits for the other. What it complains of is told apart from what it answers.
 */
import type { Readable, Writable } from 'node:stream';
import { plainText } from '@argunix/shared/domain/plain-text';
import { capture } from '@argunix/shared/kit/capture';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';

// A channel ends with its connection, and a connection that is silent ends: this is for a coordinator that forgets one.
const DEADLINE_MS = 24 * 3_600_000;
const MAX_COMPLAINT_BYTES = 16 * 1024;

export interface ServeStoreOptions {
  readonly env: NixEnvironment;
  readonly graceMs?: number;
}

/** Resolves when nothing of it is left: null, or why it ended otherwise than by the end of what it was told, or by `signal`. */
export async function serveStore(
  toStore: Readable,
  fromStore: Writable,
  signal: AbortSignal,
  { env, graceMs }: ServeStoreOptions,
): Promise<string | null> {
  const running = startProcess({
    command: 'nix-store',
    args: ['--serve', '--write'],
    env,
    deadlineMs: DEADLINE_MS,
    signal,
    whenOrphaned: 'TERM',
    ...(graceMs === undefined ? {} : { graceMs }),
  });
  const complaints = capture(running.stderr, MAX_COMPLAINT_BYTES, 'tail');
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  fromStore.once('finish', resolve);
  fromStore.once('error', () => {
    // Nobody takes its answers any more, but it ends only when they are read.
    running.stdout.resume();
    resolve();
  });
  // Not `pipeline`: that waits for an end of the channel, which a process that ended early never sees.
  toStore.pipe(running.stdin);
  running.stdout.pipe(fromStore);
  const ending = await running.ended;
  toStore.unpipe(running.stdin);
  await answered;
  if (ending.kind === 'cancelled' || (ending.kind === 'exited' && ending.code === 0)) {
    return null;
  }
  const said = plainText(complaints.text()).trim().split('\n').slice(-5).join('\n');
  return `nix-store --serve ${describeEnding(ending)}${said === '' ? '' : `: ${said}`}`;
}
