/**
 * Tells browsers what to read anew. Changes of a fifth of a second go out together, each thing named once, the same
 * bytes for everybody. A feed holds ids and no content; whoever missed some gets a `lag` and reads everything anew.
 */
import { randomBytes } from 'node:crypto';
import type { Change, Changes } from '../../ports/changes.ts';
import { encodeEvent, type StreamEvent } from './event-stream.ts';

export interface ChangeFeed {
  /** From the event after `lastEventId` on. */
  follow(lastEventId: string | undefined, signal: AbortSignal): AsyncIterable<Buffer>;
  stop(): void;
}

interface Batch {
  readonly sequence: number;
  readonly bytes: Buffer;
}

// 64 batches: at least 13 s, longer than a browser takes to come back.
const KEPT_BATCHES = 64;
// A batch goes out early when it names so much; an evaluation that stores thousands of jobs is cut into such parts.
const MAX_IDS = 1_000;

export function createChangeFeed(changes: Changes, coalesceMs = 200): ChangeFeed {
  // Numbers begin anew with every start: those of another run of the program must not be taken for ours.
  const run = randomBytes(6).toString('hex');
  const batches: Batch[] = [];
  const waiting = new Set<() => void>();
  const pending = createPendingChanges();
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  const stopListening = changes.listen((change) => {
    pending.add(change);
    if (pending.size() >= MAX_IDS) {
      emit();
    } else {
      timer ??= setTimeout(emit, coalesceMs);
    }
  });

  function emit(): void {
    clearTimeout(timer);
    timer = undefined;
    last += 1;
    // The id stands behind all of them: a browser that was cut off in the middle gets all of them again.
    const events = [...pending.take().map(encodeEvent), encodeEvent({ id: `${run}.${last}` })];
    batches.push({ sequence: last, bytes: Buffer.concat(events) });
    batches.splice(0, batches.length - KEPT_BATCHES);
    for (const wake of waiting) {
      wake();
    }
  }
  async function news(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      function settle(): void {
        waiting.delete(settle);
        signal.removeEventListener('abort', settle);
        resolve();
      }
      waiting.add(settle);
      signal.addEventListener('abort', settle, { once: true });
    });
  }
  function lag(dropped: number | null): Buffer {
    return encodeEvent({ id: `${run}.${last}`, event: 'lag', data: { dropped } });
  }
  return {
    async *follow(lastEventId, signal) {
      const known =
        lastEventId?.startsWith(`${run}.`) === true ? Number(lastEventId.slice(run.length + 1)) : NaN;
      let seen = Number.isInteger(known) && known >= 0 && known <= last ? known : last;
      // The first event of all tells where this reader is, so that it can come back before anything happened.
      yield lastEventId === undefined || seen === known ? encodeEvent({ id: `${run}.${seen}` }) : lag(null);
      while (!signal.aborted) {
        const oldest = batches[0]?.sequence ?? last + 1;
        if (seen + 1 < oldest) {
          const dropped = last - seen;
          seen = last;
          yield lag(dropped);
        } else if (seen < last) {
          seen += 1;
          yield batches[seen - oldest]?.bytes ?? lag(1);
        } else {
          await news(signal);
        }
      }
    },
    stop() {
      stopListening();
      clearTimeout(timer);
    },
  };
}

interface PendingChanges {
  add(change: Change): void;
  size(): number;
  take(): readonly StreamEvent[];
}

function createPendingChanges(): PendingChanges {
  const repositories = new Set<number>();
  const evaluations = new Set<number>();
  const jobs = new Map<number, Set<number>>();
  let isQueueChanged = false;
  let size = 0;
  return {
    add(change) {
      switch (change.kind) {
        case 'repository':
          repositories.add(change.repositoryId);
          size += 1;
          return;
        case 'evaluation':
          evaluations.add(change.evaluationId);
          size += 1;
          return;
        case 'jobs': {
          const ids = jobs.get(change.evaluationId) ?? new Set();
          jobs.set(change.evaluationId, ids);
          for (const jobId of change.jobIds) {
            ids.add(jobId);
          }
          size += change.jobIds.length;
          return;
        }
        case 'queue':
          size += isQueueChanged ? 0 : 1;
          isQueueChanged = true;
      }
    },
    size: () => size,
    take() {
      const told = [
        ...[...repositories].map((id) => ({ event: 'repository', data: { repository_id: id } })),
        ...[...evaluations].map((id) => ({ event: 'evaluation', data: { evaluation_id: id } })),
        ...[...jobs].map(([id, ids]) => ({ event: 'jobs', data: { evaluation_id: id, job_ids: [...ids] } })),
        ...(isQueueChanged ? [{ event: 'queue', data: {} }] : []),
      ];
      repositories.clear();
      evaluations.clear();
      jobs.clear();
      isQueueChanged = false;
      size = 0;
      return told;
    },
  };
}
