/**
 * One lease at a builder elsewhere, from when it is asked of it until its end is told here.
 *
 * *brought*: its closure is on its way there; the agent knows nothing of it. *given*: the agent has it, and answers for
 * it. *judged*: how it ended is here; the log is read to its end and what was made is fetched. *over*: told, once.
 * Whatever comes first judges it: the agent, a cancellation, or the loss of the builder.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildRequest } from '@argunix/shared/domain/build-request';
import type { DispatchObserver } from '../../../ports/builder.ts';

/** How it ended, and how long its log is; null: what is here of it is all there is. */
export interface Judged {
  readonly ending: BuildEnding;
  readonly logLines: number | null;
}

export interface RemoteLease extends BuildRequest {
  readonly observer: DispatchObserver;
  readonly given: Promise<void>;
  readonly isGiven: boolean;
  give(): void;
  /** Its builder began there. */
  readonly started: Promise<void>;
  readonly hasStarted: boolean;
  start(): void;
  /** What judges it first counts. */
  judge(judged: Judged): void;
  readonly judged: Promise<Judged>;
  readonly verdict: Judged | undefined;
  /** Nobody waits for it any more, and this is how it ends wherever it is. The first counts. */
  abandon(ending: BuildEnding): void;
  readonly abandoned: BuildEnding | undefined;
  readonly unwanted: AbortSignal;
  /** What its builder may give back: what was not here when it was brought. Null where that is not known any more. */
  covered: readonly string[] | null;
  /** Lines of its log that are here. */
  loggedLines: number;
}

export function createRemoteLease(request: BuildRequest, observer: DispatchObserver): RemoteLease {
  const given = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const judged = Promise.withResolvers<Judged>();
  const unwanted = new AbortController();
  let isGiven = false;
  let hasStarted = false;
  let abandoned: BuildEnding | undefined;
  let verdict: Judged | undefined;

  return {
    leaseId: request.leaseId,
    drvPath: request.drvPath,
    observer,
    given: given.promise,
    get isGiven() {
      return isGiven;
    },
    give: () => {
      isGiven = true;
      given.resolve();
    },
    started: started.promise,
    get hasStarted() {
      return hasStarted;
    },
    start: () => {
      if (!hasStarted) {
        hasStarted = true;
        observer.started(request.leaseId);
        started.resolve();
      }
    },
    judged: judged.promise,
    get verdict() {
      return verdict;
    },
    judge: (judgement) => {
      verdict ??= judgement;
      judged.resolve(verdict);
    },
    unwanted: unwanted.signal,
    abandon: (ending) => {
      abandoned ??= ending;
      unwanted.abort();
    },
    get abandoned() {
      return abandoned;
    },
    covered: null,
    loggedLines: 0,
  };
}
