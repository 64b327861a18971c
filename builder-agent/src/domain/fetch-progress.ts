/** How far a row of fetches is, from what Nix tells of each path: fetches run side by side, and more are found as they go. */
export interface FetchTally {
  begin(id: string, text: string): void;
  moved(id: string, bytesDone: number, bytesTotal: number): void;
  end(id: string): void;
  expect(bytesTotal: number): void;
  /** The next row begins: what was fetched so far stays counted. */
  close(): void;
  now(): { readonly bytesDone: number; readonly bytesTotal: number; readonly text: string };
}

interface Fetch {
  readonly text: string;
  done: number;
  total: number;
}

export function createFetchTally(): FetchTally {
  const running = new Map<string, Fetch>();
  let closedBytes = 0;
  let doneBytes = 0;
  let expectedBytes = 0;

  function end(id: string): void {
    doneBytes += running.get(id)?.done ?? 0;
    running.delete(id);
  }
  return {
    begin: (id, text) => void running.set(id, { text, done: 0, total: 0 }),
    moved(id, bytesDone, bytesTotal) {
      const fetch = running.get(id);
      if (fetch !== undefined) {
        fetch.done = bytesDone;
        fetch.total = bytesTotal;
      }
    },
    end,
    expect: (bytesTotal) => {
      expectedBytes = Math.max(expectedBytes, bytesTotal);
    },
    close() {
      for (const id of [...running.keys()]) {
        end(id);
      }
      closedBytes += doneBytes;
      doneBytes = 0;
      expectedBytes = 0;
    },
    now() {
      const fetches = [...running.values()];
      const done = doneBytes + fetches.reduce((sum, fetch) => sum + fetch.done, 0);
      const told = doneBytes + fetches.reduce((sum, fetch) => sum + fetch.total, 0);
      return {
        bytesDone: closedBytes + done,
        bytesTotal: closedBytes + Math.max(done, told, expectedBytes),
        text: fetches.at(-1)?.text ?? '',
      };
    },
  };
}
