/**
 * One watch for each repository of the configuration. When that changes, only those watches end that it changes: a new
 * one looks at once, after the last look of the one before it is over.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { type RepositoryWatch, type WatchPorts, watchRepository } from '../flows/watch-repositories.ts';
import type { ConfiguredRepository } from './repositories.ts';

export interface Watches {
  /** Begins and ends watches until there is one for each of these. Returns before the ended ones are over. */
  follow(wanted: ReadonlyMap<RepositoryId, ConfiguredRepository>): void;
  /** Brings the next look forward. */
  poke(id: RepositoryId): void;
  /** All of them, once the signal has aborted. */
  ended(): Promise<void>;
}

interface Running {
  readonly configured: ConfiguredRepository;
  readonly controller: AbortController;
  /** Undefined while the one before it ends. */
  watch: RepositoryWatch | undefined;
  readonly ended: Promise<void>;
}

export function createWatches(ports: WatchPorts, stopping: AbortSignal): Watches {
  const running = new Map<RepositoryId, Running>();
  const ending = new Map<RepositoryId, Promise<void>>();

  function begin(id: RepositoryId, configured: ConfiguredRepository): void {
    const controller = new AbortController();
    const one: Running = { configured, controller, watch: undefined, ended: watch(ending.get(id)) };
    running.set(id, one);
    async function watch(before: Promise<void> | undefined): Promise<void> {
      await before;
      const begun = watchRepository(ports, configured, AbortSignal.any([stopping, controller.signal]));
      one.watch = begun;
      await begun.ended;
    }
  }
  function end(id: RepositoryId, { controller, ended }: Running): void {
    running.delete(id);
    const over = ended.finally(() => {
      if (ending.get(id) === over) {
        ending.delete(id);
      }
    });
    ending.set(id, over);
    controller.abort();
  }

  return {
    follow: (wanted) => {
      for (const [id, one] of running) {
        const configured = wanted.get(id);
        if (configured === undefined || !isDeepStrictEqual(watchOf(configured), watchOf(one.configured))) {
          end(id, one);
        }
      }
      for (const [id, configured] of wanted) {
        if (!running.has(id)) {
          begin(id, configured);
        }
      }
    },
    poke: (id) => running.get(id)?.watch?.poke(),
    ended: async () => {
      await Promise.all([...ending.values(), ...[...running.values()].map((one) => one.ended)]);
    },
  };
}

/** What a watch goes by. */
function watchOf({ source, pollMs, watchedBranches, buildsRequests }: ConfiguredRepository): object {
  return { source, pollMs, watchedBranches, buildsRequests };
}
