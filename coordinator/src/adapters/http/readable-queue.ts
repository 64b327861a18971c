/**
 * The queue as one reader may see it. What the queue itself sums up over everybody (its lines, its counts) is given only
 * to who may read everybody's; for others the same is made of the steps that they may see.
 */
import type { QueueLine, QueueView, ReadyStep } from '@argunix/shared/control-api/queue-views';
import type { EvaluationView } from '@argunix/shared/control-api/views';
import { toJobId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { QueueLine as Line, QueueSnapshot } from '../../domain/queue-snapshot.ts';
import type { Queue } from '../../ports/queue.ts';
import { type ReadyJob, toTime, type VisibleSteps } from './visible-steps.ts';

export interface QueueLimits {
  /** Of each list. */
  readonly limit: number;
}

// So many ready steps are looked through for those that this reader may see; each can mean ten jobs to read.
const MOST_LOOKED_THROUGH = 500;
const INTERNAL_REASON = 'A shared dependency: it is built before the jobs that need it.';

export function readQueue(
  queue: Queue,
  visible: VisibleSteps,
  evaluations: { readonly waiting: readonly EvaluationView[]; readonly building: readonly EvaluationView[] },
  { limit }: QueueLimits,
): QueueView {
  const snapshot = queue.snapshot(visible.readsAll ? limit : MOST_LOOKED_THROUGH);
  const running = visible.running(snapshot.running);
  const ready = visible.ready(snapshot.next);
  return {
    counts: visible.readsAll ? snapshot.counts : countVisible(),
    lines: (visible.readsAll ? snapshot.lines.map(toLine) : linesOf(ready, snapshot.lines, queue)).slice(
      0,
      limit,
    ),
    shares: sharesOf(snapshot, visible).slice(0, limit),
    running: running.slice(0, limit),
    next: ready.slice(0, limit).map((one) => toReadyStep(one, visible, queue)),
    evaluations: [...evaluations.waiting],
  };

  /** As near as it can be told without counting what others wait for. */
  function countVisible(): QueueView['counts'] {
    const shared = sharesOf(snapshot, visible).reduce((sum, share) => sum + share.ready, 0);
    const readyCount = Math.max(ready.length, shared);
    const queuedJobs = evaluations.building.reduce((sum, { counts }) => sum + counts.queued, 0);
    const internal = [...running, ...ready.map(({ step }) => ({ internal: step.isInternal }))];
    return {
      ready: readyCount,
      waiting: Math.max(0, queuedJobs - readyCount),
      running: running.length,
      internal: internal.filter((one) => one.internal).length,
    };
  }
}

function toLine(line: Line): QueueLine {
  return {
    system: line.system,
    features: [...line.requiredFeatures],
    trusted: line.isTrusted,
    ready: line.ready,
    oldest_ready_since: toTime(line.oldestReadySince),
    sentence: line.sentence,
    builders: [...line.builders],
  };
}

function linesOf(ready: readonly ReadyJob[], lines: readonly Line[], queue: Queue): QueueLine[] {
  const builders = new Map(lines.map((line) => [keyOf(line), line.builders]));
  const groups = Map.groupBy(ready, ({ first }) => keyOf({ ...first, system: first.ref.system }));
  return [...groups].flatMap(([key, [head, ...others]]) => {
    if (head === undefined) {
      return [];
    }
    const { ref, requiredFeatures, isTrusted } = head.first;
    const since = [head, ...others].map(({ step }) => step.readySince);
    return [
      {
        system: ref.system,
        features: [...requiredFeatures],
        trusted: isTrusted,
        ready: 1 + others.length,
        oldest_ready_since: since.map(toTime).toSorted()[0] ?? toTime(head.step.readySince),
        sentence: reasonOf(head, queue),
        builders: [...(builders.get(key) ?? [])],
      },
    ];
  });
}

function keyOf(line: Pick<Line, 'system' | 'requiredFeatures' | 'isTrusted'>): string {
  return JSON.stringify([line.system, line.requiredFeatures.toSorted(), line.isTrusted]);
}

function sharesOf({ shares }: QueueSnapshot, visible: VisibleSteps): QueueView['shares'] {
  return shares
    .flatMap((share) => {
      const repo = visible.repository(share.repositoryId);
      return repo === undefined
        ? []
        : [
            {
              repo,
              weight: share.weight,
              ready: share.ready,
              running: share.running,
              recent_build_seconds: Math.round(share.chargedMs / 1000),
            },
          ];
    })
    .toSorted((one, other) => other.recent_build_seconds - one.recent_build_seconds);
}

function toReadyStep(one: ReadyJob, visible: VisibleSteps, queue: Queue): ReadyStep {
  const { step, first, jobs, jobCount } = one;
  return {
    name: storePathName(step.drvPath),
    drv_path: step.drvPath,
    system: first.ref.system,
    internal: step.isInternal,
    bumped: step.isBumped,
    repo: visible.repository(step.repositoryId) ?? null,
    jobs: [...jobs],
    job_count: jobCount,
    ready_since: toTime(step.readySince),
    reason: reasonOf(one, queue),
  };
}

function reasonOf({ step, first }: ReadyJob, queue: Queue): string {
  const waiting = step.isInternal ? undefined : queue.why(toJobId(first.ref.id));
  return waiting?.sentence ?? (step.isInternal ? INTERNAL_REASON : 'A builder is about to get it.');
}
