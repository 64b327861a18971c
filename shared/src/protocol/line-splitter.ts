/** Lines out of pieces that are cut anywhere, none longer than it may be: what is too long ends the talk. */
export interface LineSplitter {
  /** The lines that are whole now; `overflow` once one is longer than `most` bytes. Empty lines are passed over. */
  push(piece: Uint8Array): { readonly lines: readonly string[]; readonly overflow: boolean };
  /** For those that begin from now on. */
  limit(most: number): void;
}

const NEWLINE = 0x0a;

export function createLineSplitter(most: number): LineSplitter {
  const decoder = new TextDecoder();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let limit = most;
  let isOver = false;

  function takeLine(end: Uint8Array): string {
    const whole = new Uint8Array(heldBytes + end.length);
    let at = 0;
    for (const piece of [...held, end]) {
      whole.set(piece, at);
      at += piece.length;
    }
    held = [];
    heldBytes = 0;
    return decoder.decode(whole);
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
          held = [];
        } else if (at === -1) {
          held.push(end.slice());
          heldBytes += end.length;
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
