/** The questions of the serve protocol. What was not asked for is no answer. */
import { createWireWriter, SERVE_COMMAND } from '@argunix/shared/nix/serve-protocol';
import { MAX_PATH_BYTES, type PathInfo, readPathInfo } from './path-info.ts';
import type { ServeSession } from './serve-session.ts';

// A question is read whole before it is answered: so many paths are half a megabyte on either side.
const BATCH = 5_000;
// Five times the largest NixOS system.
const MAX_CLOSURE = 500_000;

/** Those that are valid. While the process lives, each is held from the collector, valid or not. */
export async function queryValidPaths(
  session: ServeSession,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  const valid = new Set<string>();
  for (const batch of batchesOf(paths)) {
    await session.sink.write(
      createWireWriter()
        .integer(SERVE_COMMAND.queryValidPaths)
        .integer(1) // lock
        .integer(0) // No substitution: it would be silent until its end.
        .strings([...batch])
        .bytes(),
    );
    session.sink.flush();
    for (const path of await session.reader.strings(batch.size, MAX_PATH_BYTES)) {
      mustBeAsked(session, batch, path);
      valid.add(path);
    }
  }
  return valid;
}

/** Of those that are valid. */
export async function queryPathInfos(
  session: ServeSession,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PathInfo>> {
  const infos = new Map<string, PathInfo>();
  for (const batch of batchesOf(paths)) {
    await session.sink.write(
      createWireWriter()
        .integer(SERVE_COMMAND.queryPathInfos)
        .strings([...batch])
        .bytes(),
    );
    session.sink.flush();
    for (;;) {
      const info = await readPathInfo(session.reader);
      if (info === undefined) {
        break;
      }
      mustBeAsked(session, batch, info.path);
      if (infos.has(info.path)) {
        throw session.refusal(`it told twice about ${info.path}`);
      }
      infos.set(info.path, info);
    }
  }
  return infos;
}

/** All that these valid paths refer to, themselves too. One that is not valid ends the process. */
export async function queryClosure(
  session: ServeSession,
  paths: readonly string[],
): Promise<readonly string[]> {
  const closure = new Set<string>();
  for (const batch of batchesOf(paths)) {
    await session.sink.write(
      createWireWriter()
        .integer(SERVE_COMMAND.queryClosure)
        .integer(0) // Without the outputs of derivations.
        .strings([...batch])
        .bytes(),
    );
    session.sink.flush();
    for (const path of await session.reader.strings(MAX_CLOSURE, MAX_PATH_BYTES)) {
      closure.add(path);
    }
  }
  return [...closure];
}

function mustBeAsked(session: ServeSession, batch: ReadonlySet<string>, path: string): void {
  if (!batch.has(path)) {
    throw session.refusal(`it told about ${JSON.stringify(path)}, which it was not asked for`);
  }
}

function batchesOf(paths: readonly string[]): readonly ReadonlySet<string>[] {
  const asked = [...new Set(paths)];
  return Array.from(
    { length: Math.ceil(asked.length / BATCH) },
    (_, at) => new Set(asked.slice(at * BATCH, (at + 1) * BATCH)),
  );
}
