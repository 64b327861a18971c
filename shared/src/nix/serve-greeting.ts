/** How a conversation by the serve protocol begins: each side says who it is, and which version it speaks. */
import type { Writable } from 'node:stream';
import { createWireWriter, type WireReader } from './serve-protocol.ts';

const SERVE_MAGIC_1 = 0x390c9deb;
const SERVE_MAGIC_2 = 0x5452eecb;
const SERVE_VERSION = 0x207;
const MAJOR = 0xff00;

/** Undefined where the other side speaks it too, else the sentence that says what came instead. */
export async function greetServer(input: Writable, reader: WireReader): Promise<string | undefined> {
  input.write(createWireWriter().integer(SERVE_MAGIC_1).integer(SERVE_VERSION).bytes());
  const magic = await reader.integer();
  const version = await reader.integer();
  return magic === SERVE_MAGIC_2 && (version & MAJOR) === (SERVE_VERSION & MAJOR) && version >= SERVE_VERSION
    ? undefined
    : `expected serve protocol 2.7 or a later 2, got ${magic.toString(16)} ${version.toString(16)}`;
}
