import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { messageOf } from '@argunix/shared/kit/app-error';
import { lookDelayMs } from '../domain/look-delay.ts';
import { type Look, type LookPorts, lookAtRepository, type WatchedRepository } from './look-at-repository.ts';

export interface WatchPorts extends LookPorts {
  /** Something was stored in the inbox. */
  onPushed(): void;
  onBranchesGone(repositoryId: RepositoryId, refs: readonly GitRef[]): void;
}

export interface RepositoryWatch {
  /** Brings the next look forward: at once, or right after the one that is under way. */
  poke(): void;
}

/** Looks at one repository until the signal aborts: each interval, after a poke, and more seldom while it is in trouble. */
export function watchRepository(
  ports: WatchPorts,
  watched: WatchedRepository,
  signal: AbortSignal,
): RepositoryWatch & { readonly ended: Promise<void> } {
  let wake = new AbortController();
  /** A mistake of ours in one look must not end the watch, nor the program. */
  async function lookOnce(): Promise<Look> {
    try {
      return await lookAtRepository(ports, watched, signal);
    } catch (error) {
      ports.log.error({ err: error, repository: watched.repository }, 'a look met a bug of argunix');
      return { kind: 'trouble', reason: `A mistake inside argunix: ${messageOf(error)}` };
    }
  }
  async function watch(): Promise<void> {
    for (let troubles = 0; !signal.aborted; ) {
      wake = new AbortController();
      const look = await lookOnce();
      if (look.kind === 'fine') {
        troubles = 0;
        if (look.pushed > 0) {
          ports.onPushed();
        }
        if (look.gone.length > 0) {
          ports.onBranchesGone(watched.repository.id, look.gone);
        }
      } else {
        troubles += 1;
        ports.log.warn(
          { repository: watched.repository, reason: look.reason },
          'a repository could not be looked at',
        );
      }
      await ports.clock.sleep(lookDelayMs(watched.pollMs, troubles), AbortSignal.any([signal, wake.signal]));
    }
  }
  return { poke: () => wake.abort(), ended: watch() };
}
