/** A process that speaks the serve protocol: one of ours, or one at the far end of a channel that we were given. */
import type { Duplex, Readable, Writable } from 'node:stream';
import { plainText } from '@argunix/shared/domain/plain-text';
import { describeEnding, startProcess } from '@argunix/shared/kit/run-process';
import { compressedDuplex } from '@argunix/shared/nix/compressed-duplex';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { ServeCompression } from '@argunix/shared/nix/serve-channel';

export interface ServeEnd {
  readonly input: Writable;
  readonly output: Readable;
  /** What was given to `input` and waits in a buffer that `input` does not know of. */
  unsentBytes(): number;
  /** Resolves with how the process ended and what it said, once it did; never rejects. */
  readonly ended: Promise<string>;
  /** At once, whatever is under way. */
  destroy(): void;
}

/** What the caller opens for us: `nix-store --serve --write` on the builder. */
export interface RemoteEnd {
  readonly stream: Duplex;
  /** ssh2 ignores what its socket answers, so its writable side never says that it is full. */
  unsentBytes?(): number;
  /** Resolves with how the process ended and the last that it said on stderr; must not reject. */
  readonly ended: Promise<string>;
  /** Ends the channel and with it the process. Called once or more. */
  close(): void;
}

// A new process takes over long before; this ends one that was forgotten.
const LIFETIME_MS = 7 * 24 * 3_600_000;
const MAX_SAID = 4_000;

export function startLocalEnd(env: NixEnvironment): ServeEnd {
  const running = startProcess({
    command: 'nix-store',
    // Without --write a question takes no lock.
    args: ['--serve', '--write'],
    env,
    deadlineMs: LIFETIME_MS,
    graceMs: 2_000,
    whenOrphaned: 'TERM',
  });
  let said = '';
  running.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-MAX_SAID);
  });
  return {
    input: running.stdin,
    output: running.stdout,
    unsentBytes: () => 0,
    ended: running.ended.then(
      (ending) => `nix-store --serve ${describeEnding(ending)}: ${plainText(said).trim()}`,
    ),
    destroy() {
      // What it still says to nobody would keep it from ever being seen as ended.
      running.stdin.destroy();
      running.stdout.destroy();
      running.stop();
    },
  };
}

export function toServeEnd(remote: RemoteEnd, compression: ServeCompression): ServeEnd {
  const stream = compression === 'zstd' ? compressedDuplex(remote.stream) : remote.stream;
  // Seen by whoever reads or writes; an error that nobody listens to would end this process.
  stream.on('error', () => undefined);
  return {
    input: stream,
    output: stream,
    unsentBytes: () => remote.unsentBytes?.() ?? 0,
    ended: remote.ended.then((said) => plainText(said.slice(-MAX_SAID)).trim()),
    destroy() {
      stream.destroy();
      remote.close();
    },
  };
}
