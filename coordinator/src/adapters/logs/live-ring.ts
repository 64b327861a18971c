/**
 * The newest lines of a log that is being written, in chunks that all its readers share. It never waits for a reader
 * and knows none: a reader asks for what follows the last line it has. Lines are held as the text they are stored
 * as, beside the heap, and become objects when a chunk is looked into: 50,000 line objects that live for seconds cost
 * 60 MB more (bench log-fanout).
 */
import type { LogEvent } from '../../ports/log-store.ts';
import type { LogLimits } from './log-limits.ts';
import { parseStoredLines } from './stored-line.ts';

interface LiveChunk {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  /** One for all readers; its lines are made anew each time they are asked for. */
  readonly event: Extract<LogEvent, { kind: 'lines' }>;
}

export interface LiveRing {
  /** The next line, as it is stored. */
  push(storedLine: string): void;
  end(): void;
  /** The number of the oldest line it still has, or of the next one to come. */
  oldest(): number;
  /** Where a reader begins that is not told where to: the start of a chunk, about so many lines before the newest. */
  recent(): number;
  /** The number that the next chunk begins with. */
  next(): number;
  isEnded(): boolean;
  /** The chunk that holds line `from`, undefined when that is still to come or gone. */
  chunkWith(from: number): LiveChunk | undefined;
  /** Resolves when there is a new chunk, at the end, or when the signal aborts. */
  news(signal: AbortSignal): Promise<void>;
  /** Counts a reader until the returned function is called: an unwatched log keeps only what a late reader gets. */
  watch(): () => void;
}

export function createLiveRing(first: number, limits: LogLimits, openLogs: () => number): LiveRing {
  const chunks: LiveChunk[] = [];
  const waiting = new Set<() => void>();
  let ringBytes = 0;
  let ringLines = 0;
  let next = first;
  let pending: string[] = [];
  let pendingBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let watchers = 0;
  let isEnded = false;

  function emit(): void {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) {
      return;
    }
    const chunk = toChunk(next, pending);
    chunks.push(chunk);
    ringBytes += chunk.bytes;
    ringLines += chunk.count;
    next += chunk.count;
    pending = [];
    pendingBytes = 0;
    trim();
    wake();
  }
  function trim(): void {
    const maxBytes = Math.min(limits.ringBytes, limits.allRingsBytes / Math.max(1, openLogs()));
    for (let eldest = chunks[0]; eldest !== undefined && chunks.length > 1; eldest = chunks[0]) {
      const isIdle = watchers === 0 && ringLines - eldest.count >= limits.recentLines;
      if (ringBytes <= maxBytes && !isIdle) {
        return;
      }
      chunks.shift();
      ringBytes -= eldest.bytes;
      ringLines -= eldest.count;
    }
  }
  function wake(): void {
    const readers = [...waiting];
    waiting.clear();
    for (const reader of readers) {
      reader();
    }
  }
  function oldest(): number {
    return chunks[0]?.first ?? next;
  }
  return {
    push(storedLine) {
      pending.push(storedLine);
      pendingBytes += storedLine.length;
      if (pendingBytes >= limits.chunkBytes) {
        emit();
      } else {
        timer ??= setTimeout(emit, limits.chunkMs);
      }
    },
    end() {
      emit();
      isEnded = true;
      wake();
    },
    oldest,
    recent() {
      const wanted = next - limits.recentLines;
      return chunks.find(({ first: start, count }) => start + count > wanted)?.first ?? next;
    },
    next: () => next,
    isEnded: () => isEnded,
    chunkWith(from) {
      if (from < oldest() || from >= next) {
        return undefined;
      }
      return chunks.findLast((chunk) => chunk.first <= from);
    },
    async news(signal) {
      if (signal.aborted || isEnded) {
        return;
      }
      await new Promise<void>((resolve) => {
        function settle(): void {
          waiting.delete(settle);
          signal.removeEventListener('abort', settle);
          resolve();
        }
        waiting.add(settle);
        signal.addEventListener('abort', settle, { once: true });
      });
    },
    watch() {
      watchers += 1;
      let isWatching = true;
      return () => {
        watchers -= isWatching ? 1 : 0;
        isWatching = false;
      };
    },
  };
}

function toChunk(first: number, storedLines: readonly string[]): LiveChunk {
  const text = Buffer.from(storedLines.join(''));
  return {
    first,
    count: storedLines.length,
    bytes: text.length,
    event: {
      kind: 'lines',
      get lines() {
        return parseStoredLines({ first, text }, first, Infinity);
      },
    },
  };
}
