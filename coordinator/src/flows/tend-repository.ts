/**
 * What is asked of a forge about one repository now and then, before its branches are looked at: whether strangers may
 * see it, whether our hook is there, and which requests are open. What a forge forbids is a sentence for people and no
 * reason to stop: branches can still be looked at.
 */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { OpenRequest } from '../domain/forge-event.ts';
import type { DeliveryStore, NewDelivery } from '../ports/delivery-store.ts';
import type { Forge } from '../ports/forge.ts';
import type { HookStore, KeptHook } from '../ports/hook-store.ts';
import type { KnownRequest, Repository, RepositoryStore } from '../ports/repository-store.ts';
import { type HookPorts, keepHook } from './keep-hook.ts';

export interface TendPorts extends HookPorts {
  readonly forge: Forge;
  readonly store: HookStore;
  readonly repositories: RepositoryStore;
  readonly deliveries: DeliveryStore;
  readonly clock: Clock;
  /** Kept from look to look: whether the open requests are still to be learnt. */
  readonly firstLooks: Map<RepositoryId, 'due' | 'over'>;
  /** What strangers may see, or where it is, is not what it was. */
  onFacts(): void;
}

export interface TendedRepository {
  readonly repository: Repository;
  readonly slug: RepositorySlug;
  readonly buildsRequests: boolean;
  /** Null where deliveries come another way: by a GitHub App. */
  hook(): KeptHook | null;
  isHookInDoubt(): boolean;
}

/** `stored`: deliveries that were missed and stand in the inbox now. */
export interface Tended {
  readonly stored: number;
  /** Sentences; empty when all is well. */
  readonly troubles: readonly string[];
}

export async function tendRepository(
  ports: TendPorts,
  tended: TendedRepository,
  signal: AbortSignal,
): Promise<Tended> {
  const troubles: string[] = [];
  async function attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!isAppError(error)) {
        throw error;
      }
      troubles.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  }
  const { id } = tended.repository;
  const { firstLooks } = ports;
  const isFirst =
    (firstLooks.get(id) ?? (ports.repositories.facts(id).isPrivate === null ? 'due' : 'over')) === 'due';
  firstLooks.set(id, isFirst ? 'due' : 'over');
  await attempt('Visibility', async () => {
    const facts = await ports.forge.repository(tended.slug, signal);
    if (await ports.repositories.recordFacts(id, facts)) {
      ports.onFacts();
    }
  });
  // Before anything is compared: what happens from now on is told, what happened before is found.
  await attempt('Webhook', async () => {
    await tendHook(ports, tended, signal);
  });
  const stored = tended.buildsRequests
    ? await attempt('Open requests', () => compareRequests(ports, tended, isFirst, signal))
    : 0;
  return { stored: stored ?? 0, troubles };
}

async function tendHook(ports: TendPorts, tended: TendedRepository, signal: AbortSignal): Promise<void> {
  const hook = tended.hook();
  if (hook === null) {
    return;
  }
  try {
    await keepHook(
      ports,
      { slug: tended.slug, hook, forgeKind: ports.forge.kind, isInDoubt: tended.isHookInDoubt() },
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    await ports.store.failed(hook.id, messageOf(error), ports.clock.now());
    throw error;
  }
}

/** Requests that moved, came or went without our being told. Those that were open before us are only learnt. */
async function compareRequests(
  { forge, repositories, deliveries, clock, firstLooks }: TendPorts,
  { repository, slug }: TendedRepository,
  isFirst: boolean,
  signal: AbortSignal,
): Promise<number> {
  const { id } = repository;
  const before = repositories.requests(id);
  const open = await forge.openRequests(slug, signal);
  if (isFirst) {
    await repositories.learnRequests(id, open, clock.now());
    firstLooks.set(id, 'over');
    return 0;
  }
  const known = new Map(before.map((request) => [request.number, request]));
  // What the forge told while it was asked is newer than its answer.
  const told = toldMeanwhile(before, repositories.requests(id));
  const common = { repositoryId: id, origin: 'look', uid: null, receivedAt: clock.now() } as const;
  let stored = 0;
  for (const request of open) {
    const asKnown = known.get(request.number);
    known.delete(request.number);
    if (!told.has(request.number) && !isSame(asKnown, request)) {
      await deliveries.receive({ ...common, ...toDelivery(request) });
      stored += 1;
    }
  }
  for (const { number } of [...known.values()].filter((request) => !told.has(request.number))) {
    await deliveries.receive({ ...common, kind: 'closed', prNumber: number });
    stored += 1;
  }
  return stored;
}

function toldMeanwhile(before: readonly KnownRequest[], after: readonly KnownRequest[]): ReadonlySet<number> {
  const unchanged = new Map(before.map((request) => [request.number, request]));
  const changed = after.filter((request) => !isSame(unchanged.get(request.number), request));
  const gone = before.filter(({ number }) => !after.some((request) => request.number === number));
  return new Set([...changed, ...gone].map(({ number }) => number));
}

type Place = Pick<KnownRequest, 'headSha' | 'baseRef'>;

function isSame(one: Place | undefined, other: Place): boolean {
  return one?.headSha === other.headSha && one.baseRef === other.baseRef;
}

/** A list does not say who pushed. */
function toDelivery(
  request: OpenRequest,
): Pick<NewDelivery, 'kind' | 'ref' | 'sha' | 'before' | 'prNumber' | 'isTrusted' | 'people'> {
  const { number, baseRef, headSha, isFromHere, author, headName } = request;
  return {
    kind: 'pull_request',
    ref: baseRef,
    sha: headSha,
    prNumber: number,
    isTrusted: isFromHere,
    people: { author, pusher: null, headName },
    before: null,
  };
}
