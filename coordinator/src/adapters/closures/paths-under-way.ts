/**
 * Which paths are on their way to one store, so that two transfers that need the same path send it once. A claim is made
 * by who is about to send, never by who still waits, and is given up path by path: no two can wait for each other.
 */
import type { PathInfo } from './path-info.ts';

export interface PathsUnderWay {
  /** Grows with every path that was sent: an answer to what is missing is only as new as the count before it. */
  sentCount(): number;
  claim(ordered: readonly PathInfo[]): Claim;
}

export interface Claim {
  /** What is ours to send, in its order. */
  readonly mine: readonly PathInfo[];
  /** On their way by others, or in need of one that is. */
  readonly blocked: readonly PathInfo[];
  /** Resolves when the others have sent them, or gave up. */
  readonly others: Promise<unknown>;
  stored(path: string): void;
  /** Of all that is left. */
  release(): void;
}

export function createPathsUnderWay(): PathsUnderWay {
  const underWay = new Map<string, PromiseWithResolvers<void>>();
  let sentCount = 0;
  return {
    sentCount: () => sentCount,
    claim(ordered) {
      const mine: PathInfo[] = [];
      const blocked: PathInfo[] = [];
      const blockedPaths = new Set<string>();
      const others: Promise<void>[] = [];
      for (const info of ordered) {
        const other = underWay.get(info.path);
        if (other !== undefined) {
          others.push(other.promise);
        }
        if (other !== undefined || info.references.some((reference) => blockedPaths.has(reference))) {
          blocked.push(info);
          blockedPaths.add(info.path);
        } else {
          mine.push(info);
        }
      }
      const claimed = new Set(mine.map(({ path }) => path));
      for (const path of claimed) {
        underWay.set(path, Promise.withResolvers());
      }
      function giveUp(path: string): void {
        if (claimed.delete(path)) {
          underWay.get(path)?.resolve();
          underWay.delete(path);
        }
      }
      return {
        mine,
        blocked,
        others: Promise.all(others),
        stored(path) {
          sentCount += 1;
          giveUp(path);
        },
        release() {
          for (const path of claimed) {
            giveUp(path);
          }
        },
      };
    },
  };
}
