/**
 * Serves this host's store on a channel: `nix-store --serve --write` with its two streams spliced to it, one pump for
 * each direction, so that neither waits for the other. What it complains of is told apart from what it answers.
 */
import { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { plainText } from '@argunix/shared/domain/plain-text';
import { capture } from '@argunix/shared/kit/capture';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { joinServeChannel, type ServeCompression } from '@argunix/shared/nix/serve-channel';

// A channel ends with its connection, and a connection that is silent ends: this is for a coordinator that forgets one.
const DEADLINE_MS = 24 * 3_600_000;
const MAX_COMPLAINT_BYTES = 16 * 1024;

export interface ServeStoreOptions {
  readonly env: NixEnvironment;
  readonly compression: ServeCompression;
  readonly graceMs?: number;
}

/** Resolves when nothing of it is left: null, or why it ended otherwise than by the end of what it was told, or by `signal`. */
export async function serveStore(
  fromCoordinator: Duplex,
  toCoordinator: NodeJS.WritableStream,
  signal: AbortSignal,
  { env, graceMs, compression }: ServeStoreOptions,
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
  const channel = Duplex.from({ readable: fromCoordinator, writable: toCoordinator });
  const joined = joinServeChannel(channel, running, compression);
  const ending = await running.ended;
  // What it answered last is on its way until then.
  await finished(joined, { readable: false, signal }).catch(() => undefined);
  joined.destroy();
  if (ending.kind === 'cancelled' || (ending.kind === 'exited' && ending.code === 0)) {
    return null;
  }
  const said = plainText(complaints.text()).trim().split('\n').slice(-5).join('\n');
  return `nix-store --serve ${describeEnding(ending)}${said === '' ? '' : `: ${said}`}`;
}
