import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { mayPass, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { headChanges } from '../domain/head-changes.ts';
import type { Changes } from '../ports/changes.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { Head, Repository, RepositoryStore } from '../ports/repository-store.ts';
import type { Source, SourceCheckout } from '../ports/source-checkout.ts';
import { keepTrying } from './keep-trying.ts';
import type { Tended } from './tend-repository.ts';

export interface LookPorts {
  readonly checkout: SourceCheckout;
  readonly repositories: RepositoryStore;
  readonly deliveries: DeliveryStore;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Logger;
  /** The first of the waits before something is stored again. */
  readonly retryMs: number;
}

export interface WatchedRepository {
  readonly repository: Repository;
  readonly source: Source;
  readonly pollMs: number;
  isWatched(ref: GitRef): boolean;
  /** What its forge is asked before each look; undefined where there is none. */
  readonly tend?: ((signal: AbortSignal) => Promise<Tended>) | undefined;
}

export type Look =
  | { readonly kind: 'fine'; readonly pushed: number; readonly gone: readonly GitRef[] }
  | { readonly kind: 'trouble'; readonly reason: string };

/** Compares the heads of a repository with those of the last look; every head that moved becomes a delivery, once. */
export async function lookAtRepository(
  ports: LookPorts,
  watched: WatchedRepository,
  signal: AbortSignal,
): Promise<Look> {
  const { checkout, repositories, deliveries, changes, clock } = ports;
  const { repository, source } = watched;
  try {
    const tended = (await watched.tend?.(signal)) ?? { stored: 0, troubles: [] };
    const before = repositories.heads(repository.id);
    const found = await checkout.look(source, signal);
    const at = clock.now();
    const told = toldMeanwhile(before, repositories.heads(repository.id));
    const changed = headChanges(before, found.heads, (ref) => watched.isWatched(ref));
    const pushed = changed.pushed.filter(({ ref }) => !told.has(ref));
    const gone = changed.gone.filter((ref) => !told.has(ref));
    // The next look may be an hour away: what this one found waits until it can be stored.
    await keepTrying(ports, 'store what a look found', signal, async () => {
      await repositories.recordLook(repository.id, {
        at,
        trouble: tended.troubles.length === 0 ? null : tended.troubles.join('\n'),
        ...(found.defaultBranch === null ? {} : { defaultBranch: found.defaultBranch }),
      });
      // Last: heads that are recorded are told of by this look or by none.
      if (pushed.length > 0 || gone.length > 0) {
        await deliveries.recordHeads(repository.id, { gone, pushed, at });
      }
    });
    changes.tell({ kind: 'repository', repositoryId: repository.id });
    return { kind: 'fine', pushed: pushed.length + tended.stored, gone };
  } catch (error) {
    if (signal.aborted) {
      return { kind: 'trouble', reason: 'stopped' };
    }
    const reason = messageOf(error);
    await recordTrouble(ports, repository.id, reason);
    return { kind: 'trouble', reason };
  }
}

/** What the forge told of while it was looked at is newer than what was seen. */
function toldMeanwhile(before: readonly Head[], after: readonly Head[]): ReadonlySet<GitRef> {
  const [known, now] = [before, after].map((heads) => new Map(heads.map(({ ref, sha }) => [ref, sha])));
  return new Set(
    [...before, ...after].map(({ ref }) => ref).filter((ref) => known?.get(ref) !== now?.get(ref)),
  );
}

/** Where even that cannot be stored, the next look tells. */
async function recordTrouble(
  { repositories, changes, clock }: LookPorts,
  id: RepositoryId,
  trouble: string,
): Promise<void> {
  try {
    await repositories.recordLook(id, { at: clock.now(), trouble });
    changes.tell({ kind: 'repository', repositoryId: id });
  } catch (error) {
    if (!mayPass(error)) {
      throw error;
    }
  }
}
