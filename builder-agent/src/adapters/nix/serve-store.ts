/**
 * Serves this host's store on a channel: `nix-store --serve --write` with its two streams spliced to it, one pump for
 * each direction, so that neither waits for the other. What it complains of is told apart from what it answers.
 */
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
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

/** Resolves when nothing of it is left: null, or why it ended otherwise than by the end of what it was told. */
export async function serveStore(
  toStore: NodeJS.ReadableStream,
  fromStore: Duplex | NodeJS.WritableStream,
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
  // An end of the process or of the channel ends both pumps; which it was, the process tells.
  const pumps = Promise.allSettled([
    pipeline(toStore, running.stdin, { signal }),
    pipeline(running.stdout, fromStore, { signal, end: true }),
  ]);
  const ending = await running.ended;
  await pumps;
  if (signal.aborted || (ending.kind === 'exited' && ending.code === 0)) {
    return null;
  }
  const said = plainText(complaints.text()).trim().split('\n').slice(-5).join('\n');
  return `nix-store --serve ${describeEnding(ending)}${said === '' ? '' : `: ${said}`}`;
}
