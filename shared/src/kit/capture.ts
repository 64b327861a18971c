import type { Readable } from 'node:stream';

export interface Capture {
  text(): string;
  isTruncated(): boolean;
}

/** Keeps the first or the last `maxBytes` of a stream, without a hole in between. */
export function capture(stream: Readable, maxBytes: number, keep: 'head' | 'tail'): Capture {
  const chunks: Buffer[] = [];
  let size = 0;
  let isTruncated = false;
  stream.on('data', (chunk: Buffer) => {
    if (keep === 'head' && (isTruncated || size + chunk.length > maxBytes)) {
      isTruncated = true;
      return;
    }
    chunks.push(chunk);
    size += chunk.length;
    while (size > maxBytes && chunks.length > 1) {
      size -= chunks.shift()?.length ?? 0;
      isTruncated = true;
    }
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), isTruncated: () => isTruncated };
}
