/** Fetches what the caches have of some paths, and says while it does how far it is. */
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { GcRoots } from '@argunix/shared/nix/roots/gc-roots';
import type { CoordinatorMessage } from '@argunix/shared/protocol/coordinator-message';
import type { CoordinatorLink } from '../ports/coordinator-link.ts';
import type { FetchProgress, Substituter } from '../ports/substituter.ts';

export interface FetchFromCachesPorts {
  readonly link: CoordinatorLink;
  readonly substituter: Substituter;
  readonly roots: GcRoots;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long what was fetched waits for a batch that names it. */
  readonly keepFetchedMs: number;
}

export interface Fetches {
  start(message: Extract<CoordinatorMessage, { type: 'substitute' }>): void;
  stop(id: number): void;
  /** Resolves when nothing is fetched any more. */
  stopAll(): Promise<void>;
}

// A text is one path and where it comes from.
const MAX_TEXT = 1000;

export function fetchFromCaches(ports: FetchFromCachesPorts): Fetches {
  const { link, substituter, roots, clock, log } = ports;
  const running = new Map<number, { readonly end: AbortController; readonly ended: Promise<void> }>();
  const leaving = new AbortController();
  let lastOwner = 0;

  async function sayProgress(id: number, now: () => FetchProgress, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(link.heartbeatMs / 2, signal);
      if (signal.aborted) {
        return;
      }
      const { bytesDone, bytesTotal, text } = now();
      if (link.isUp) {
        const progress = { bytes_done: bytesDone, bytes_total: bytesTotal, text: text.slice(0, MAX_TEXT) };
        link.send({ type: 'substituting', id, ...progress });
      }
    }
  }
  async function keepForAWhile(owner: string): Promise<void> {
    await clock.sleep(ports.keepFetchedMs, leaving.signal);
    if (!leaving.signal.aborted) {
      await roots.remove(owner);
    }
  }
  async function fetchAll(
    { id, paths }: Extract<CoordinatorMessage, { type: 'substitute' }>,
    signal: AbortSignal,
  ): Promise<void> {
    let progress: FetchProgress = { bytesDone: 0, bytesTotal: 0, text: '' };
    const over = new AbortController();
    const said = sayProgress(id, () => progress, over.signal);
    lastOwner += 1;
    const owner = `fetched-${lastOwner}`;
    try {
      await roots.add(owner, paths);
      await substituter.fetch(paths, signal, (now) => {
        progress = now;
      });
    } catch (error) {
      log.warn({ id, reason: messageOf(error) }, 'fetching from caches failed');
    }
    over.abort();
    await said;
    void keepForAWhile(owner).catch((error: unknown) => {
      log.warn({ owner, reason: messageOf(error) }, 'what was fetched could not be given back');
    });
  }
  return {
    start(message) {
      const { id } = message;
      if (running.has(id)) {
        return;
      }
      const end = new AbortController();
      const ended = fetchAll(message, end.signal).then(() => {
        running.delete(id);
        link.send({ type: 'substituted', id });
      });
      running.set(id, { end, ended });
    },
    stop(id) {
      running.get(id)?.end.abort();
    },
    async stopAll() {
      leaving.abort();
      const all = [...running.values()];
      for (const { end } of all) {
        end.abort();
      }
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}
