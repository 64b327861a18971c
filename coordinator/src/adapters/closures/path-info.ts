/** What a store tells about a path that it has, as the serve protocol puts it. */
import { createWireWriter, SERVE_COMMAND, type WireReader } from '@argunix/shared/nix/serve-protocol';

export interface PathInfo {
  readonly path: string;
  /** Empty where nobody knows. */
  readonly deriver: string;
  /** Itself too, where it refers to itself. */
  readonly references: readonly string[];
  readonly narSize: number;
  readonly narHash: string;
  /** How its name follows from its content; empty where it does not. */
  readonly ca: string;
  readonly signatures: readonly string[];
}

export const MAX_PATH_BYTES = 1_024;
// Nobody has seen a path with a tenth of it; together with the bound of each, 25 MB.
const MAX_REFERENCES = 25_000;
const MAX_SIGNATURES = 1_000;

/** Undefined at the end of the list. */
export async function readPathInfo(reader: WireReader): Promise<PathInfo | undefined> {
  const path = await reader.string(MAX_PATH_BYTES);
  if (path === '') {
    return undefined;
  }
  const deriver = await reader.string(MAX_PATH_BYTES);
  const references = await reader.strings(MAX_REFERENCES, MAX_PATH_BYTES);
  await reader.integer(); // What a download would be: Nix tells the same size twice.
  const narSize = await reader.integer();
  const narHash = await reader.string(MAX_PATH_BYTES);
  const ca = await reader.string(MAX_PATH_BYTES);
  const signatures = await reader.strings(MAX_SIGNATURES, MAX_PATH_BYTES);
  return { path, deriver, references, narSize, narHash, ca, signatures };
}

/** The command after which the bytes of the path follow. It is never registered as built by the one who is told. */
export function addToStoreCommand(info: PathInfo): Buffer {
  return createWireWriter()
    .integer(SERVE_COMMAND.addToStoreNar)
    .string(info.path)
    .string(info.deriver)
    .string(info.narHash)
    .strings(info.references)
    .integer(0) // The time of registration: it takes its own.
    .integer(info.narSize)
    .integer(0) // Not `ultimate`.
    .strings(info.signatures)
    .string(info.ca)
    .bytes();
}
