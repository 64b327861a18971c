/** Lines out of pieces that are cut anywhere, none longer than it may be: what is too long ends the talk. */
export interface LineSplitter {
  /** The lines that are whole now; `overflow` once one is longer than `most` bytes. Empty lines are passed over. */
  push(piece: Uint8Array): { readonly lines: readonly string[]; readonly overflow: boolean };
  /** For those that begin from now on. */
  limit(most: number): void;
}

const NEWLINE = 0x0a;
// A long line is rare; its room is not kept for the next one.
const MOST_KEPT = 64 * 1024;

export function createLineSplitter(most: number): LineSplitter {
  const decoder = new TextDecoder();
  /** The line that is not whole yet; it grows by doubling, so that a thousand pieces are no more than their bytes. */
  let held: Uint8Array = new Uint8Array(0);
  let heldBytes = 0;
  let limit = most;
  let isOver = false;

  function hold(piece: Uint8Array): void {
    if (heldBytes + piece.length > held.length) {
      const larger = new Uint8Array(Math.max(1_024, 2 * held.length, heldBytes + piece.length));
      larger.set(held.subarray(0, heldBytes));
      held = larger;
    }
    held.set(piece, heldBytes);
    heldBytes += piece.length;
  }
  function takeLine(end: Uint8Array): string {
    if (heldBytes === 0) {
      return decoder.decode(end);
    }
    hold(end);
    const line = decoder.decode(held.subarray(0, heldBytes));
    heldBytes = 0;
    if (held.length > MOST_KEPT) {
      held = new Uint8Array(0);
    }
    return line;
  }
  return {
    push: (piece) => {
      const lines: string[] = [];
      let rest = piece;
      while (!isOver && rest.length > 0) {
        const at = rest.indexOf(NEWLINE);
        const end = at === -1 ? rest : rest.subarray(0, at);
        if (heldBytes + end.length > limit) {
          isOver = true;
          held = new Uint8Array(0);
        } else if (at === -1) {
          hold(end);
        } else {
          const line = takeLine(end);
          if (line !== '') {
            lines.push(line);
          }
        }
        rest = at === -1 ? rest.subarray(rest.length) : rest.subarray(at + 1);
      }
      return { lines, overflow: isOver };
    },
    limit: (next) => {
      limit = next;
    },
  };
}
