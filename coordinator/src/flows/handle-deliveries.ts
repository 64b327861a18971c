/** Turns what stands in the inbox into evaluations, or into the end of some, in the order of its coming and each once. */
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import { type GitRef, shortRef } from '@argunix/shared/domain/git-ref';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { isAppError, mayPass, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { type Subject, subjectKey } from '../domain/supersede.ts';
import { ASKING } from '../domain/trust-policy.ts';
import type { Changes } from '../ports/changes.ts';
import {
  type Delivery,
  type DeliveryStore,
  type InboxItem,
  MOST_PENDING,
  type Notice,
  type Opening,
} from '../ports/delivery-store.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { RepositoryStore } from '../ports/repository-store.ts';

export interface DeliveryPorts {
  readonly deliveries: DeliveryStore;
  readonly evaluations: EvaluationStore;
  readonly repositories: Pick<RepositoryStore, 'head' | 'request'>;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Logger;
  /** Equal deliveries within it are one. */
  readonly coalesceMs: number;
  /** How long before a look the forge may have told of what the look finds. */
  readonly lookbackMs: number;
  /** Undefined for a repository that is not in the configuration any more. */
  readonly wishesOf: (id: RepositoryId) => Wishes | undefined;
  /** There is a new evaluation: older ones of the same subject may have to end. */
  readonly onAccepted: (subject: Subject) => Promise<void>;
  /** Does what a notice asks for, and answers what came of it. May be called again after a crash. */
  readonly heed: (notice: Notice) => Promise<string>;
  /** Something of it came in another order or not at all: its forge is to be looked at. */
  readonly onGap: (id: RepositoryId) => void;
}

/** What the configuration says of what is to be built. */
export interface Wishes {
  isWatched(ref: GitRef): boolean;
  readonly buildsRequests: boolean;
}

/** All that stands there now; whoever stores more asks again. Returns how many evaluations it made. */
export async function handleDeliveries(ports: DeliveryPorts): Promise<number> {
  let made = 0;
  let page: readonly InboxItem[];
  do {
    page = ports.deliveries.pending();
    for (const wave of inWaves(page)) {
      const results = await Promise.all(wave.map((told) => handleTold(ports, told)));
      made += results.reduce((sum, count) => sum + count, 0);
    }
  } while (page.length === MOST_PENDING);
  return made;
}

/** An item, and what was told after it and says the same of the same revision. */
interface Told {
  readonly first: InboxItem;
  readonly echoes: Delivery[];
}

// Each waits for the disk; so many share one wait.
const WIDEST_WAVE = 64;

/** Items that have nothing to do with each other go together, one after another of the same subject: in their order. */
function inWaves(items: readonly InboxItem[]): readonly (readonly Told[])[] {
  const waves: Told[][] = [];
  /** Of the last wave; empty when it takes nothing more. */
  let bySubject = new Map<string, Told>();
  for (const item of items) {
    const subject = asksForEvaluation(item) ? subjectKey(item) : null;
    const before = subject === null ? undefined : bySubject.get(subject);
    if (before !== undefined && asksForEvaluation(item) && isEcho(item, before.first)) {
      before.echoes.push(item);
      continue;
    }
    const told: Told = { first: item, echoes: [] };
    const wave = waves.at(-1);
    const fits = before === undefined && subject !== null && bySubject.size > 0;
    if (wave !== undefined && fits && wave.length < WIDEST_WAVE) {
      wave.push(told);
    } else {
      waves.push([told]);
      bySubject = new Map();
    }
    if (subject !== null) {
      bySubject.set(subject, told);
    }
  }
  return waves;
}

function isEcho(item: Delivery, before: InboxItem): boolean {
  return (
    asksForEvaluation(before) &&
    item.kind !== 'manual' &&
    item.kind === before.kind &&
    item.ref === before.ref &&
    item.sha === before.sha &&
    item.isTrusted === before.isTrusted &&
    (item.people === null) === (before.people === null)
  );
}

/** Returns how many evaluations it made. */
async function handleTold(ports: DeliveryPorts, { first, echoes }: Told): Promise<number> {
  let { made, standing } = await handle(ports, first);
  const recognized: Promise<void>[] = [];
  for (const echo of echoes) {
    // It is the same for all of them, until one of them changes it.
    standing ??= lookUp(ports, echo);
    const duplicate = unwantedOf(ports, echo) === undefined ? whyDuplicate(ports, standing, echo) : undefined;
    if (duplicate === undefined) {
      const handled = await handle(ports, echo);
      made += handled.made;
      standing = handled.standing;
    } else {
      recognized.push(recognize(ports, echo, duplicate));
    }
  }
  await Promise.all(recognized);
  return made;
}

interface Handled {
  /** Evaluations. */
  readonly made: number;
  /** What was found of its revision, when that has not changed. */
  readonly standing?: Standing;
}

async function handle(ports: DeliveryPorts, item: InboxItem): Promise<Handled> {
  const { deliveries, changes, clock } = ports;
  if (!asksForEvaluation(item)) {
    await deliveries.settle(item, await heed(ports, item), clock.now());
    return { made: 0 };
  }
  const unwanted = unwantedOf(ports, item);
  if (unwanted !== undefined) {
    await deliveries.settle(item, unwanted, clock.now());
    return { made: 0 };
  }
  const standing = lookUp(ports, item);
  const duplicate = whyDuplicate(ports, standing, item);
  if (duplicate !== undefined) {
    await recognize(ports, item, duplicate);
    return { made: 0, standing };
  }
  const isGap = !followsOn(ports, item);
  const evaluationId = await deliveries.accept(item, clock.now(), openingOf(item));
  if (evaluationId === undefined) {
    return { made: 0 };
  }
  changes.tell({ kind: 'evaluation', evaluationId });
  await ports.onAccepted(item);
  if (isGap) {
    ports.onGap(item.repositoryId);
  }
  return { made: 1 };
}

/**
 * A push goes on from where its branch is known to be. Of a request nobody says where it was: two heads of it within
 * moments may have come in either order.
 */
function followsOn({ repositories, coalesceMs }: DeliveryPorts, delivery: Delivery): boolean {
  const { kind, origin, repositoryId, ref, prNumber, sha, before, receivedAt } = delivery;
  if (kind === 'push') {
    const known = before === null ? undefined : repositories.head(repositoryId, ref);
    return known === undefined || known === before;
  }
  if (kind === 'manual' || origin !== 'hook' || prNumber === null) {
    return true;
  }
  const known = repositories.request(repositoryId, prNumber);
  return known === undefined || known.headSha === sha || receivedAt - known.seenAt >= coalesceMs;
}

async function recognize(ports: DeliveryPorts, delivery: Delivery, duplicate: string): Promise<void> {
  await identify(ports, delivery);
  await ports.deliveries.recognize(delivery, duplicate, ports.clock.now());
}

function unwantedOf({ wishesOf }: DeliveryPorts, delivery: Delivery): string | undefined {
  return whyUnwanted(wishesOf(delivery.repositoryId), delivery);
}

/** One item that meets a mistake of ours must not keep all that come after it from being handled. */
async function heed({ heed: doIt, log }: DeliveryPorts, notice: Notice): Promise<string> {
  try {
    return await doIt(notice);
  } catch (error) {
    const isButton = notice.kind === 'rerun' || notice.kind === 'approve';
    // A person sees that nothing came of a button, and presses it again; what is gone nobody tells us twice.
    if (mayPass(error) && (!isButton || (isAppError(error) && error.code === 'store.failed'))) {
      throw error;
    }
    log.error({ err: error, notice }, 'what a forge told could not be heeded');
    return `it could not be done: ${messageOf(error)}`;
  }
}

function asksForEvaluation(item: InboxItem): item is Delivery {
  return item.kind === 'push' || item.kind === 'pull_request' || item.kind === 'manual';
}

/** A request from elsewhere waits until it is known whether its people are trusted. */
function openingOf({ kind, isTrusted, people }: Delivery): Opening {
  if (kind !== 'pull_request' || isTrusted) {
    return { status: 'queued' };
  }
  return people === null
    ? { status: 'awaiting_approval', awaits: 'approval', reason: 'Whose request it is is not known.' }
    : { status: 'awaiting_approval', awaits: 'forge', reason: ASKING };
}

/** What of the configuration makes nobody want it; undefined where it is wanted. */
export function whyUnwanted(
  wishes: Wishes | undefined,
  delivery: Pick<Delivery, 'kind' | 'ref'>,
): string | undefined {
  if (delivery.kind === 'manual') {
    return undefined;
  }
  if (wishes === undefined) {
    return 'its repository is not in the configuration any more';
  }
  if (delivery.kind === 'push') {
    return wishes.isWatched(delivery.ref)
      ? undefined
      : `${shortRef(delivery.ref)} is not among watched_branches`;
  }
  return wishes.buildsRequests ? undefined : 'build_prs is off for its repository';
}

/** A look may have been first, which cannot see who pushed; the forge's own delivery can. */
async function identify({ evaluations, changes }: DeliveryPorts, delivery: Delivery): Promise<void> {
  const pusher = delivery.people?.pusher ?? null;
  const waiting = pusher === null ? undefined : evaluations.newestLike({ ...delivery, isTrusted: null });
  if (waiting?.status === 'awaiting_approval' && pusher !== null) {
    if (await evaluations.identify(waiting.id, pusher)) {
      changes.tell({ kind: 'evaluation', evaluationId: waiting.id });
    }
  }
}

/** What was made of the same revision last. */
interface Standing {
  readonly newest: Evaluation | undefined;
  /** Nothing of the same subject came after it. */
  readonly isNewestOfSubject: boolean;
}

function lookUp({ evaluations }: DeliveryPorts, delivery: Delivery): Standing {
  const newest =
    delivery.kind === 'manual'
      ? undefined
      : evaluations.newestLike(
          delivery.kind === 'pull_request' && delivery.people !== null
            ? { ...delivery, isTrusted: null }
            : delivery,
        );
  return { newest, isNewestOfSubject: newest !== undefined && evaluations.isNewestOfSubject(newest) };
}

/** What a person asks for is never a duplicate. */
function whyDuplicate(
  { coalesceMs, lookbackMs }: DeliveryPorts,
  { newest, isNewestOfSubject }: Standing,
  delivery: Delivery,
): string | undefined {
  if (delivery.kind === 'manual' || newest === undefined || !stillCounts(newest)) {
    return undefined;
  }
  const ageMs = delivery.receivedAt - newest.createdAt;
  const isLook = delivery.origin === 'look';
  if (isLook && ageMs < coalesceMs) {
    return 'the forge told of it before it was seen';
  }
  // It went on to something else, and came back.
  if (!isNewestOfSubject) {
    return undefined;
  }
  if (isLook) {
    return ageMs < lookbackMs ? 'the forge told of it before it was seen' : undefined;
  }
  // Else the head is where it was when that was made: somebody edited a request, or a delivery comes late.
  return ageMs < coalesceMs
    ? 'the same revision was delivered a moment before'
    : 'nothing of it is new: the evaluation of this revision stands';
}

/** What was taken away is delivered anew when it comes back: a push that was taken back, a request that is opened again. */
function stillCounts({ status, supersededBy }: Evaluation): boolean {
  const hasResult = status === 'done' || status === 'evaluation_failed';
  return supersededBy === null && (hasResult || !isEvaluationEnded(status));
}
