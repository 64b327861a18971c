/**
 * A stream whose bytes travel compressed: both ends wrap their side of it. What was written goes out when nothing more
 * comes at once, so that a question and its answer do not wait for a full block. Level 1: it keeps up with a gigabit on
 * one core, and what is carried (programs, texts) becomes a third.
 */
import { Duplex, type Readable } from 'node:stream';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';

// 8 MiB: more than level 1 uses. What the other side claims to need beyond it is refused, not allocated.
const MAX_WINDOW_LOG = 23;

export function compressedDuplex(raw: Duplex): Duplex {
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const decompress = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } });
  compress.pipe(raw);
  raw.pipe(decompress);
  let isFlushPlanned = false;
  function planFlush(): void {
    if (!isFlushPlanned) {
      isFlushPlanned = true;
      setImmediate(() => {
        isFlushPlanned = false;
        if (!compress.destroyed && !compress.writableEnded) {
          compress.flush(constants.ZSTD_e_flush);
        }
      });
    }
  }
  const duplex = new Duplex({
    write(chunk: Buffer, _encoding, done) {
      compress.write(chunk, done);
      planFlush();
    },
    final(done) {
      // Not when it is compressed, but when it is on its way: what is done is taken down.
      raw.once('finish', done);
      compress.end();
    },
    read() {
      decompress.resume();
    },
    destroy(error, done) {
      for (const part of [compress, decompress, raw]) {
        part.destroy();
      }
      done(error);
    },
  });
  handOn(decompress, duplex);
  for (const part of [compress, decompress, raw]) {
    part.on('error', (error) => duplex.destroy(error));
  }
  // Without an end before it, a close is a cut.
  raw.on('close', () => {
    if (!raw.readableEnded) {
      duplex.destroy();
    }
  });
  return duplex;
}

function handOn(from: Readable, to: Duplex): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.push(chunk)) {
      from.pause();
    }
  });
  from.on('end', () => to.push(null));
}
