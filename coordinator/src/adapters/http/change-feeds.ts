/** One feed of changes for all who are told the same: one for strangers, which stays, and one for each token while somebody follows it. */
import type { Changes } from '../../ports/changes.ts';
import { type ChangeFeed, createChangeFeed } from './change-feed.ts';

export interface ChangeFeeds {
  follow(bearer: string | null, lastEventId: string | undefined, signal: AbortSignal): AsyncIterable<Buffer>;
  stop(): void;
}

interface Followed {
  readonly feed: ChangeFeed;
  followers: number;
}

export function createChangeFeeds(
  changesFor: (bearer: string | null) => { readonly key: string; readonly changes: Changes },
): ChangeFeeds {
  const strangers = changesFor(null);
  const feeds = new Map<string, Followed>();
  // It stays, so that a browser that was cut off learns what it missed.
  feeds.set(strangers.key, { feed: createChangeFeed(strangers.changes), followers: 1 });

  function feedOf(bearer: string | null): readonly [key: string, followed: Followed] {
    const { key, changes } = bearer === null ? strangers : changesFor(bearer);
    const known = feeds.get(key) ?? { feed: createChangeFeed(changes), followers: 0 };
    feeds.set(key, known);
    return [key, known];
  }

  return {
    async *follow(bearer, lastEventId, signal) {
      const [key, followed] = feedOf(bearer);
      followed.followers += 1;
      try {
        for await (const chunk of followed.feed.follow(lastEventId, signal)) {
          // A token that works no more is told nothing more, not even what was written for it before.
          if (bearer !== null && changesFor(bearer).key !== key) {
            return;
          }
          yield chunk;
        }
      } finally {
        followed.followers -= 1;
        if (followed.followers === 0) {
          followed.feed.stop();
          feeds.delete(key);
        }
      }
    },
    stop() {
      for (const { feed } of feeds.values()) {
        feed.stop();
      }
    },
  };
}
