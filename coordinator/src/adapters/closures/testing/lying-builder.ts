/** Speaks the serve protocol as a builder would, and lies as it is told to: a real Nix cannot be made to. */
import { createHash } from 'node:crypto';
import { type Duplex, duplexPair } from 'node:stream';
import {
  createWireReader,
  createWireWriter,
  SERVE_COMMAND,
  type WireReader,
} from '@argunix/shared/nix/serve-protocol';
import type { PathInfo } from '../path-info.ts';
import type { RemoteEnd } from '../serve-end.ts';

export interface Lies {
  /** What it tells when it is asked for infos, whatever it is asked about. */
  readonly infos?: readonly PathInfo[];
  /** Instead of an answer to that question. */
  readonly rawInfos?: Buffer;
  readonly nar?: Buffer | Iterable<Buffer>;
  readonly validPaths?: readonly string[];
  readonly addAnswer?: number;
  /** Says no more after so many bytes, and hangs up. */
  readonly hangUpAfter?: number;
}

const GREETING = createWireWriter().integer(0x5452eecb).integer(0x207).bytes();

export function lyingBuilder(lies: Lies): RemoteEnd {
  const [ours, theirs] = duplexPair();
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  theirs.on('error', () => undefined);
  theirs.on('close', () => resolve(''));
  void serve(theirs, lies).catch(() => theirs.destroy());
  return {
    stream: ours,
    ended,
    close() {
      theirs.destroy();
      ours.destroy();
      resolve('');
    },
  };
}

async function serve(stream: Duplex, lies: Lies): Promise<void> {
  const reader = createWireReader(stream);
  let left = lies.hangUpAfter ?? Number.POSITIVE_INFINITY;
  async function say(bytes: Buffer): Promise<void> {
    const said = bytes.subarray(0, left);
    left -= said.length;
    if (!stream.write(said)) {
      await new Promise((resolve) => {
        stream.once('drain', resolve);
        stream.once('close', resolve);
      });
    }
    if (said.length < bytes.length || stream.destroyed) {
      stream.end();
      throw new Error('hung up');
    }
  }
  await reader.integer();
  await reader.integer();
  await say(GREETING);
  for (;;) {
    const command = await reader.integer();
    if (command === SERVE_COMMAND.queryValidPaths) {
      await reader.integer();
      await reader.integer();
      const asked = await reader.strings(10_000, 10_000);
      await say(
        createWireWriter()
          .strings(lies.validPaths ?? asked)
          .bytes(),
      );
    } else if (command === SERVE_COMMAND.queryPathInfos) {
      await reader.strings(10_000, 10_000);
      await say(lies.rawInfos ?? infosAnswer(lies.infos ?? []));
    } else if (command === SERVE_COMMAND.dumpStorePath) {
      await reader.string(10_000);
      for (const part of Buffer.isBuffer(lies.nar) ? [lies.nar] : (lies.nar ?? [])) {
        await say(part);
      }
    } else {
      await skipAdd(reader);
      await say(
        createWireWriter()
          .integer(lies.addAnswer ?? 1)
          .bytes(),
      );
    }
  }
}

async function skipAdd(reader: WireReader): Promise<void> {
  for (let field = 0; field < 3; field += 1) {
    await reader.string(10_000);
  }
  await reader.strings(10_000, 10_000);
  await reader.integer();
  let left = await reader.integer();
  await reader.integer();
  await reader.strings(10_000, 10_000);
  await reader.string(10_000);
  while (left > 0) {
    left -= (await reader.some(left)).length;
  }
}

export function infosAnswer(infos: readonly PathInfo[]): Buffer {
  const writer = createWireWriter();
  for (const { path, deriver, references, narSize, narHash, ca, signatures } of infos) {
    writer.string(path).string(deriver).strings(references).integer(narSize).integer(narSize);
    writer.string(narHash).string(ca).strings(signatures);
  }
  return writer.string('').bytes();
}

export function narOf(text: string): Buffer {
  const writer = createWireWriter();
  for (const word of ['nix-archive-1', '(', 'type', 'regular', 'contents', text, ')']) {
    writer.string(word);
  }
  return writer.bytes();
}

export function honestInfo(path: string, nar: Buffer, more: Partial<PathInfo> = {}): PathInfo {
  return {
    path,
    deriver: '',
    references: [],
    narSize: nar.length,
    narHash: `sha256:${createHash('sha256').update(nar).digest('hex')}`,
    ca: '',
    signatures: [],
    ...more,
  };
}
