/**
 * The one thing asked of the Nix daemon directly: that it registers a link as an indirect root, which no command does
 * without also building what the link points at. Worker protocol 1.26: old enough for every daemon from 2.8 to 2.34.
 * https://snix.dev/docs/reference/nix-daemon-protocol/
 */
import { connect, type Socket } from 'node:net';
import { AppError, messageOf } from '../../kit/app-error.ts';
import { createWireReader, createWireWriter, type WireReader } from '../serve-protocol.ts';

const WORKER_MAGIC_1 = 0x6e697863;
const WORKER_MAGIC_2 = 0x6478696f;
const WORKER_VERSION = 0x11a;
const ADD_INDIRECT_ROOT = 12;
const STDERR_NEXT = 0x6f6c6d67;
const STDERR_LAST = 0x616c7473;
const STDERR_ERROR = 0x63787470;
const MAX_MESSAGE_BYTES = 1024 * 1024;
// Of the whole conversation to be silent.
const SILENCE_MS = 60_000;
// Asked before the first is answered; the answers of so many fit into the socket's buffer.
const IN_FLIGHT = 256;

export async function addIndirectRoots(socketPath: string, links: readonly string[]): Promise<void> {
  const socket = connect(socketPath);
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`silent for ${SILENCE_MS / 1_000} s`)));
  try {
    const reader = createWireReader(socket);
    await greet(socket, reader);
    for (let from = 0; from < links.length; from += IN_FLIGHT) {
      const batch = links.slice(from, from + IN_FLIGHT);
      for (const link of batch) {
        socket.write(createWireWriter().integer(ADD_INDIRECT_ROOT).string(link).bytes());
      }
      for (const link of batch) {
        await readUntilLast(reader, link);
        await reader.integer(); // 1
      }
    }
  } catch (error) {
    throw new AppError('nix.failed', `the Nix daemon at ${socketPath}: ${messageOf(error)}`, {}, error);
  } finally {
    socket.destroy();
  }
}

async function greet(socket: Socket, reader: WireReader): Promise<void> {
  socket.write(createWireWriter().integer(WORKER_MAGIC_1).bytes());
  const magic = await reader.integer();
  await reader.integer(); // its version: it speaks ours when it is newer
  if (magic !== WORKER_MAGIC_2) {
    throw new AppError('nix.failed', `expected the worker protocol, got ${magic.toString(16)}`);
  }
  // Our version, no wish for a processor, no reserved space: the fields of 1.14 and 1.11.
  socket.write(createWireWriter().integer(WORKER_VERSION).integer(0).integer(0).bytes());
  await readUntilLast(reader, 'the greeting');
}

/** An operation's messages stand before its answer. */
async function readUntilLast(reader: WireReader, what: string): Promise<void> {
  for (;;) {
    const tag = await reader.integer();
    switch (tag) {
      case STDERR_LAST:
        return;
      case STDERR_NEXT:
        await reader.string(MAX_MESSAGE_BYTES);
        break;
      case STDERR_ERROR: {
        await reader.string(MAX_MESSAGE_BYTES); // type
        await reader.integer(); // level
        await reader.string(MAX_MESSAGE_BYTES); // name
        throw new AppError('nix.failed', `${what}: ${await reader.string(MAX_MESSAGE_BYTES)}`);
      }
      default:
        throw new AppError('nix.failed', `${what}: expected a message, got ${tag.toString(16)}`);
    }
  }
}
