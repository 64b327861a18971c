/**
 * Carries paths from one store to another: what the one dumps the other is told to add, in an order where references
 * come first. Nothing is waited for between two paths: dumps are asked for ahead, and the answers to what was added are
 * counted by a loop of its own. A side that is slow holds the other back by its full buffers, and nothing else does:
 * each direction of each process has a reader or writer of its own here, so no two of them can wait for each other.
 */
import { createWireWriter, SERVE_COMMAND } from '@argunix/shared/nix/serve-protocol';
import type { Pair } from './lane.ts';
import { addToStoreCommand, type PathInfo } from './path-info.ts';
import type { ServeSession } from './serve-session.ts';

export interface StreamObserver {
  moved(bytes: number): void;
  stored(path: string): void;
}

// A hundred bytes each: the requests that wait fit into any pipe, so giving them never blocks.
const AHEAD = 128;
const MAX_CHUNK = 1024 * 1024;

/** After a trouble both processes of the pair are in an unknown state. */
export async function streamPaths(
  pair: Pair,
  infos: readonly PathInfo[],
  observer: StreamObserver,
): Promise<void> {
  await Promise.all([copyAll(pair, infos, observer), countAnswers(pair.sink, infos, observer)]);
}

async function copyAll(
  { source, sink }: Pair,
  infos: readonly PathInfo[],
  observer: StreamObserver,
): Promise<void> {
  let asked = 0;
  for (const [at, info] of infos.entries()) {
    if (asked - at <= AHEAD / 2) {
      const more = infos.slice(asked, at + AHEAD);
      asked += more.length;
      await source.sink.write(Buffer.concat(more.map(dumpCommand)));
      source.sink.flush();
    }
    await sink.sink.write(addToStoreCommand(info));
    for (let left = info.narSize; left > 0; ) {
      const chunk = await source.reader.some(Math.min(left, MAX_CHUNK));
      left -= chunk.length;
      await sink.sink.write(chunk);
      observer.moved(chunk.length);
    }
  }
  sink.sink.flush();
}

async function countAnswers(
  sink: ServeSession,
  infos: readonly PathInfo[],
  observer: StreamObserver,
): Promise<void> {
  for (const { path } of infos) {
    const answer = await sink.reader.integer();
    if (answer !== 1) {
      throw sink.refusal(`expected it to tell that it has ${path}, got ${answer}`);
    }
    observer.stored(path);
  }
}

function dumpCommand({ path }: PathInfo): Buffer {
  return createWireWriter().integer(SERVE_COMMAND.dumpStorePath).string(path).bytes();
}
