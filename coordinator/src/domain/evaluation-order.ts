/**
 * Which of the queued evaluations is next. Fair over repositories: first the one that has the fewest running for its
 * weight, then the one that was served longest ago, then age; so five hundred evaluations of one repository are one
 * place in line for each turn, and another with a single one waits for one turn.
 *
 * Nothing starves for want of memory either. The first in line that does not fit is held a place: from then on only
 * what fits beside it may start, so that it starts at the latest when all that ran before it was held a place has
 * ended. One that needs the whole budget has nothing beside it. Who is held a place keeps it until it starts or leaves.
 */
import type { Trigger } from '@argunix/shared/domain/evaluation-status';
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';

export interface WaitingEvaluation {
  /** Smaller is older. */
  readonly id: EvaluationId;
  readonly repositoryId: RepositoryId;
  /** Among those of its repository: a lower one is before all higher ones. */
  readonly rank: number;
  readonly weight: number;
  /** At most the budget. */
  readonly memoryBytes: number;
}

export interface RunningEvaluation {
  readonly id: EvaluationId;
  readonly repositoryId: RepositoryId;
  readonly memoryBytes: number;
}

export interface EvaluationRoom {
  readonly concurrency: number;
  readonly budgetBytes: number;
}

/** Of one evaluation that does not fit yet. */
export interface HeldPlace {
  readonly id: EvaluationId;
  /** What ran when it got its place: it waits for these, and for nothing that started since. */
  readonly after: ReadonlySet<EvaluationId>;
}

export interface EvaluationSituation {
  readonly waiting: readonly WaitingEvaluation[];
  readonly running: readonly RunningEvaluation[];
  /** When each repository had an evaluation started last, in turns; one that never had is before all. */
  readonly servedAt: ReadonlyMap<RepositoryId, number>;
  readonly held: HeldPlace | undefined;
  readonly room: EvaluationRoom;
}

export interface NextEvaluation {
  readonly start: WaitingEvaluation | undefined;
  /** As it is after this decision. */
  readonly held: HeldPlace | undefined;
}

/** What a person asked for and the default branch come before other branches, and these before requests. */
export function evaluationRank(trigger: Trigger, isOfDefaultBranch: boolean): number {
  if (trigger === 'pull_request') {
    return 2;
  }
  return trigger === 'push' && !isOfDefaultBranch ? 1 : 0;
}

export function nextEvaluation(situation: EvaluationSituation): NextEvaluation {
  const { running, room } = situation;
  const holder = situation.waiting.find(({ id }) => id === situation.held?.id);
  const held = holder === undefined ? undefined : situation.held;
  if (running.length >= room.concurrency) {
    return { start: undefined, held };
  }
  const line = evaluationLine(situation);
  const first = holder ?? line.next().value;
  if (first === undefined) {
    return { start: undefined, held: undefined };
  }
  if (doFit([...running, first], room)) {
    return { start: first, held: undefined };
  }
  const place = held ?? { id: first.id, after: new Set(running.map(({ id }) => id)) };
  const beside = running.filter(({ id }) => !place.after.has(id));
  const passing = line.find(
    (one) => one.id !== first.id && doFit([...running, one], room) && doFit([...beside, one, first], room),
  );
  return { start: passing, held: place };
}

/** All that wait, in the order in which they would start if each fitted and nothing else came or ended. */
export function* evaluationLine({
  waiting,
  running,
  servedAt,
}: EvaluationSituation): Generator<WaitingEvaluation, undefined> {
  const turns = [...Map.groupBy(waiting, ({ repositoryId }) => repositoryId)].map(([id, own]) => ({
    own: own.toSorted(byRankAndAge).values(),
    head: undefined as WaitingEvaluation | undefined,
    running: running.filter(({ repositoryId }) => repositoryId === id).length,
    servedAt: servedAt.get(id) ?? -1,
  }));
  for (const turn of turns) {
    turn.head = turn.own.next().value;
  }
  let now = Math.max(-1, ...servedAt.values());
  for (;;) {
    let [first] = turns;
    for (const turn of turns) {
      first = first === undefined || isBefore(turn, first) ? turn : first;
    }
    if (first?.head === undefined) {
      return;
    }
    yield first.head;
    now += 1;
    Object.assign(first, { running: first.running + 1, servedAt: now, head: first.own.next().value });
  }
}

interface Turn {
  readonly head: WaitingEvaluation | undefined;
  readonly running: number;
  readonly servedAt: number;
}

function isBefore(one: Turn, other: Turn): boolean {
  if (one.head === undefined || other.head === undefined) {
    return one.head !== undefined;
  }
  return (
    (one.running / one.head.weight - other.running / other.head.weight ||
      one.servedAt - other.servedAt ||
      one.head.id - other.head.id) < 0
  );
}

function byRankAndAge(one: WaitingEvaluation, other: WaitingEvaluation): number {
  return one.rank - other.rank || one.id - other.id;
}

function doFit(all: readonly { readonly memoryBytes: number }[], room: EvaluationRoom): boolean {
  return (
    all.length <= room.concurrency &&
    all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) <= room.budgetBytes
  );
}
