/** A store on "another host": a mount namespace in which /nix is a directory of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { describeEnding, outputOf, type RunningProcess, startProcess } from '@argunix/shared/kit/run-process';
import { joinServeChannel, type ServeCompression } from '@argunix/shared/nix/serve-channel';
import type { RealNix } from '@argunix/shared/nix/testing/real-nix';
import type { RemoteEnd } from '../serve-end.ts';

export interface FarStore {
  openRemote(compression?: ServeCompression): Promise<RemoteEnd>;
  run(command: string, ...args: readonly string[]): Promise<string>;
  isValid(storePath: string): Promise<boolean>;
  /** Of the serve processes that were opened, those that live. */
  living(): number;
  remove(): Promise<void>;
}

const IN_NAMESPACE = ['-m', '--', '/bin/sh', '-c', 'mount --bind "$0" /nix && exec "$@"'];

export async function createFarStore(nix: RealNix): Promise<FarStore> {
  const dir = await mkdtemp(join(tmpdir(), 'far-store-'));
  const nixDir = join(dir, 'nix');
  await mkdir(nixDir);
  const opened = new Set<RunningProcess>();
  const run = (command: string, ...args: readonly string[]): Promise<string> =>
    outputOf({
      command: 'unshare',
      args: [...IN_NAMESPACE, nixDir, command, ...args],
      env: nix.env,
      deadlineMs: 60_000,
    });
  return {
    run,
    openRemote(compression = 'none') {
      const process = startProcess({
        command: 'unshare',
        args: [...IN_NAMESPACE, nixDir, 'nix-store', '--serve', '--write'],
        env: nix.env,
        deadlineMs: 300_000,
        graceMs: 1_000,
        whenOrphaned: 'KILL',
      });
      opened.add(process);
      void process.ended.then(() => opened.delete(process));
      return Promise.resolve(toRemoteEnd(process, compression));
    },
    isValid: (storePath) =>
      run('nix-store', '--check-validity', storePath).then(
        () => true,
        () => false,
      ),
    living: () => opened.size,
    async remove() {
      for (const process of opened) {
        process.stop();
      }
      await Promise.all([...opened].map(({ ended }) => ended));
      await outputOf({ command: 'chmod', args: ['-R', 'u+w', dir], env: nix.env, deadlineMs: 30_000 });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** As an agent serves a channel, with two streams in the place of the network. */
function toRemoteEnd(process: RunningProcess, compression: ServeCompression): RemoteEnd {
  let said = '';
  process.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  const [ours, theirs] = duplexPair();
  joinServeChannel(theirs, process, compression);
  void process.ended.then(() => theirs.end());
  return {
    stream: ours,
    ended: process.ended.then((ending) => `${describeEnding(ending)}: ${said}`),
    close() {
      theirs.destroy();
      process.stop();
    },
  };
}
