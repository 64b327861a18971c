/**
 * Follows what changes and keeps what forges are to be told of it: at once when an evaluation goes from one state to the
 * next, and in between no more often than anybody would look (domain/report-pace.ts). What a crash left untold is worked
 * out anew at the start.
 */
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import { createKeyedLock } from '@argunix/shared/kit/keyed-lock';
import { reportDelayMs } from '../domain/report-pace.ts';
import type { Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import { keepTrying, type PatiencePorts } from './keep-trying.ts';
import {
  isCollapsedBy,
  type ReportedRepository,
  type RevisionPorts,
  reportRevision,
} from './report-revision.ts';

export interface ReportPorts extends RevisionPorts, PatiencePorts {
  readonly evaluations: EvaluationStore;
  readonly changes: Changes;
  /** Undefined for a repository that has no forge (any more). */
  reported(id: RepositoryId): ReportedRepository | undefined;
  /** There is something to tell this forge. */
  onNews(forge: string): void;
}

export interface CheckReporter {
  /** Takes up what was not told yet, and follows from then on. */
  start(): void;
  /** Takes up what could not be told, when there is a forge now that was not there before. */
  takeUp(): void;
  /** When nothing is being worked out any more, once the signal has aborted. */
  ended(): Promise<void>;
}

interface Following {
  /** Something changed since the last report. */
  isStale: boolean;
  wake: AbortController;
  ended: Promise<void>;
}

export function createCheckReporter(ports: ReportPorts, signal: AbortSignal): CheckReporter {
  const { evaluations, changes, clock, log } = ports;
  const following = new Map<EvaluationId, Following>();
  const lock = createKeyedLock();

  /** How long until it may be told again; undefined when there is nothing to be told of it. */
  async function report(id: EvaluationId): Promise<number | undefined> {
    const evaluation = evaluations.find(id);
    const repository = evaluation === undefined ? undefined : ports.reported(evaluation.repositoryId);
    if (evaluation === undefined || repository === undefined) {
      return undefined;
    }
    const { repositoryId, sha } = evaluation;
    const news = await lock.hold(`${repositoryId} ${sha}`, signal, () =>
      keepTrying(ports, 'keep what a forge is to be told', signal, () =>
        reportRevision(ports, repositoryId, sha, repository),
      ),
    );
    if (news > 0) {
      ports.onNews(repository.forge);
    }
    return reportDelayMs({
      isEnded: isEvaluationEnded(evaluation.status),
      isCollapsed: isCollapsedBy(evaluations.counts(id), repository),
      ageMs: clock.now() - (evaluation.buildingAt ?? clock.now()),
    });
  }

  async function follow(id: EvaluationId, own: Following): Promise<void> {
    try {
      while (own.isStale && !signal.aborted) {
        own.isStale = false;
        own.wake = new AbortController();
        const delayMs = await report(id);
        if (delayMs === undefined) {
          return;
        }
        await clock.sleep(delayMs, AbortSignal.any([signal, own.wake.signal]));
      }
    } catch (error) {
      if (!signal.aborted) {
        log.error({ err: error, evaluationId: id }, 'what a forge is to be told could not be worked out');
      }
    } finally {
      following.delete(id);
    }
  }

  function touch(id: EvaluationId, isPressing: boolean): void {
    const known = following.get(id);
    if (known !== undefined) {
      known.isStale = true;
      if (isPressing) {
        known.wake.abort();
      }
      return;
    }
    const own: Following = { isStale: true, wake: new AbortController(), ended: Promise.resolve() };
    following.set(id, own);
    own.ended = follow(id, own);
  }

  function takeUp(): void {
    for (const { id } of evaluations.unreported()) {
      touch(id, false);
    }
  }

  return {
    takeUp,
    start: () => {
      const stopListening = changes.listen((change) => {
        if (change.kind === 'evaluation' || change.kind === 'jobs') {
          touch(change.evaluationId, change.kind === 'evaluation');
        }
      });
      signal.addEventListener('abort', stopListening, { once: true });
      takeUp();
    },
    ended: async () => {
      await Promise.all([...following.values()].map(({ ended }) => ended));
    },
  };
}
