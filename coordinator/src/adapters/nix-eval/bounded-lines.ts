/** Cuts a byte stream into lines. A line longer than the cap keeps its head; the rest is let go, never held. */
const NEWLINE = 0x0a;

export interface BoundedLines {
  /** The lines that this chunk completed. */
  push(chunk: Buffer): readonly string[];
  /** What came after the last newline. */
  rest(): string;
}

export function createBoundedLines(maxLineBytes: number): BoundedLines {
  let parts: Buffer[] = [];
  let size = 0;

  function keep(part: Buffer): void {
    const room = maxLineBytes - size;
    if (room > 0 && part.length > 0) {
      parts.push(part.subarray(0, room));
      size += Math.min(room, part.length);
    }
  }
  function take(): string {
    const line = Buffer.concat(parts).toString('utf8');
    parts = [];
    size = 0;
    return line;
  }

  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, at));
        lines.push(take());
        from = at + 1;
      }
      keep(Buffer.from(chunk.subarray(from)));
      return lines;
    },
    rest: take,
  };
}
