/** One nix-store process of a batch, and what its end says about the requests that were in it. */
import type { BuildEnding } from '../../domain/build-ending.ts';
import type { DerivationPath } from '../../domain/store-path.ts';
import { judgeRealise, type RealiseOutcome } from '../build-verdict.ts';
import type { Realise } from '../realise.ts';
import type { Entry } from './build-entry.ts';

export interface Group {
  readonly members: Map<DerivationPath, Entry>;
  readonly isShared: boolean;
  readonly jobs: number;
  readonly process: Realise;
  readonly startedAt: number;
  /** Whose builders began in it. */
  readonly started: Set<DerivationPath>;
  /** What a shared group builds now. */
  current: Entry | undefined;
  /** `waiting`: for Nix, at the start and between two builds. */
  doing: 'waiting' | 'fetching' | 'building';
  patience: NodeJS.Timeout | undefined;
  /** What it does now outlasts patience: nobody may wait for it. */
  isLong: boolean;
  /** It still lists what is no longer its own: to be stopped before it begins anything. */
  isDisowned: boolean;
  isStopping: boolean;
}

export interface GroupVerdict {
  readonly ended: readonly (readonly [Entry, BuildEnding])[];
  /** About these the process says nothing: they go to another. */
  readonly left: readonly Entry[];
  /** Nobody of them was at work: which one the trouble is about shows when each has a process of its own. */
  readonly isUnexplained: boolean;
}

export function judgeGroup(group: Group, outcome: RealiseOutcome, isAborted: boolean): GroupVerdict {
  const members = [...group.members.values()];
  const isWhole = outcome.ending.kind === 'exited' && outcome.ending.code === 0;
  const culprit = isWhole ? undefined : judgeCulprit(group, outcome);
  const ended = members.flatMap((entry): readonly (readonly [Entry, BuildEnding])[] => {
    if (!isWhole && (entry.isCancelled || isAborted)) {
      return [[entry, { kind: 'cancelled' }]];
    }
    if (!group.isShared || isWhole) {
      return [[entry, judgeRealise(entry.drvPath, group.started, outcome)]];
    }
    return culprit !== undefined && entry === group.current ? [[entry, culprit]] : [];
  });
  const judged = new Set(ended.map(([entry]) => entry));
  return {
    ended,
    left: members.filter((entry) => !judged.has(entry)),
    isUnexplained: culprit === undefined && !group.isStopping,
  };
}

/** Whether an entry that waits would wait for a long one: it needs one, or there is no other place to wait for. */
export function waitsForLong({ needs }: Entry, groups: ReadonlySet<Group>): boolean {
  const long = [...groups].filter(({ isLong }) => isLong);
  return (
    (long.length > 0 && long.length === groups.size) ||
    needs.some((need) => long.some(({ members }) => members.get(need.drvPath) === need))
  );
}

/** Only a fault of the build itself: of anything else that ended a shared process, it may be a bystander. */
function judgeCulprit(group: Group, outcome: RealiseOutcome): BuildEnding | undefined {
  if (!group.isShared || group.isStopping || group.current === undefined) {
    return undefined;
  }
  const ending = judgeRealise(group.current.drvPath, group.started, outcome);
  return ending.kind === 'failed' || ending.kind === 'timed_out' || ending.kind === 'over_limit'
    ? ending
    : undefined;
}
