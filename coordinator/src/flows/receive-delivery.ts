/**
 * The door for deliveries: finds out which repository the address stands for, checks the signature on the raw body, and
 * only then reads it; what it says is stored before it is answered. The body must name the repository of the address.
 */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { ForgeEvent, RepositoryHint } from '../domain/forge-event.ts';
import type { DeliveryDoor, DoorAnswer, RawDelivery } from '../ports/delivery-door.ts';
import type { DeliveringKind, DeliveryReader, ReadDelivery } from '../ports/delivery-reader.ts';
import type { DeliveryStore, NewItem } from '../ports/delivery-store.ts';
import type { HookSecrets } from '../ports/hook-secrets.ts';
import type { KeptHook } from '../ports/hook-store.ts';
import { type Wishes, whyUnwanted } from './handle-deliveries.ts';

/** What the door knows of one forge, as the configuration says now. */
export interface DoorForge {
  readonly name: string;
  readonly kind: DeliveringKind;
  /** Whatever letter case it is written in. */
  repositoryOf(slug: string): RepositoryId | undefined;
}

export interface DoorPorts {
  readonly deliveries: Pick<DeliveryStore, 'receiveOnce'>;
  readonly reader: DeliveryReader;
  readonly secrets: HookSecrets;
  readonly clock: Clock;
  /** By its name, else the only one of this kind: the Rust argunix put the kind into its addresses. */
  forgeOf(nameOrKind: string): DoorForge | undefined;
  hookNamed(id: string): KeptHook | undefined;
  hookOf(repositoryId: RepositoryId): KeptHook | undefined;
  appHookOf(forge: string): KeptHook | undefined;
  /** Its secret was rotated not long ago, and a delivery may still be signed with the one before. */
  readonly takesSecretBefore: (hook: KeptHook) => boolean;
  readonly wishesOf: (id: RepositoryId) => Wishes | undefined;
  readonly onStored: () => void;
  /** The signature was good: the hook works, and the forge said this of the repository. */
  onHeard(hook: KeptHook, hint: RepositoryHint | null, repositoryId: RepositoryId | null): void;
  /** Somebody knows the address of the hook and not its secret: most likely it is to be installed anew. */
  readonly onDoubt: (hook: KeptHook) => void;
  onInstallations(forge: string): void;
}

export function createDeliveryDoor(ports: DoorPorts): DeliveryDoor {
  return async (raw) => {
    const forge = ports.forgeOf(raw.forge);
    if (forge === undefined) {
      throw nothingThere();
    }
    const hook = await findHook(ports, forge, raw);
    const parsed = await read(ports, forge, hook, raw);
    if (parsed.kind === 'malformed') {
      throw new AppError('webhook.malformed', parsed.reason);
    }
    const { event, repository } = parsed;
    if (event.kind === 'installations') {
      ports.onHeard(hook, null, null);
      if (hook.repositoryId !== null) {
        return { kind: 'ignored', reason: 'Only the hook of an App tells of installations.' };
      }
      ports.onInstallations(forge.name);
      return { kind: 'accepted' };
    }
    if (event.kind === 'ignored') {
      ports.onHeard(hook, null, null);
      return { kind: 'ignored', reason: event.reason };
    }
    const repositoryId = repository === null ? undefined : forge.repositoryOf(repository.slug);
    if (repositoryId === undefined || (hook.repositoryId !== null && hook.repositoryId !== repositoryId)) {
      throw nothingThere();
    }
    ports.onHeard(hook, repository, repositoryId);
    return await store(ports, event, { repositoryId, uid: parsed.uid });
  };
}

/** An address with an id stands for one repository; one without for the App, else for what the body says, unverified. */
async function findHook(
  ports: DoorPorts,
  forge: DoorForge,
  { hook: id, body }: RawDelivery,
): Promise<KeptHook> {
  if (id !== null) {
    const named = ports.hookNamed(id);
    if (named?.forge !== forge.name) {
      throw nothingThere();
    }
    return named;
  }
  const app = ports.appHookOf(forge.name);
  if (app !== undefined) {
    return app;
  }
  const slug = await ports.reader.peekSlug(forge.kind, body);
  const repositoryId = slug === undefined ? undefined : forge.repositoryOf(slug);
  if (repositoryId === undefined) {
    throw nothingThere();
  }
  const hook = ports.hookOf(repositoryId);
  if (hook === undefined) {
    throw new AppError('not-ready', 'The hook of this repository has not been set up yet.');
  }
  return hook;
}

async function read(
  { reader, secrets, clock, onDoubt, takesSecretBefore }: DoorPorts,
  { kind }: DoorForge,
  hook: KeptHook,
  { headers, body, hook: named }: RawDelivery,
): Promise<Exclude<ReadDelivery, { kind: 'unsigned' }>> {
  const { generation: newest } = hook;
  const generations = takesSecretBefore(hook) ? [newest, newest - 1] : [newest];
  const known = generations.map((generation) => secrets.secretOf({ id: hook.id, generation }));
  const answer = await reader.read({ kind, headers, body, secrets: known, now: clock.now() });
  if (answer.kind !== 'unsigned') {
    return answer;
  }
  const { verdict } = answer;
  // Under an address of before, anybody can name a repository, and a hook of before has another secret anyway.
  if (verdict === 'bad' && (named !== null || hook.repositoryId === null)) {
    onDoubt(hook);
  }
  throw new AppError('webhook.bad-signature', SIGNATURE_TROUBLE[verdict]);
}

const SIGNATURE_TROUBLE = {
  missing: 'The delivery has no signature.',
  bad: 'The signature does not match.',
  stale: 'The signature is older than five minutes.',
} as const;

type Stored = Exclude<ForgeEvent, { kind: 'ignored' | 'installations' }>;

async function store(
  { deliveries, clock, wishesOf, onStored }: DoorPorts,
  event: Stored,
  about: { readonly repositoryId: RepositoryId; readonly uid: string | null },
): Promise<DoorAnswer> {
  const item = toItem(event, { ...about, origin: 'hook', receivedAt: clock.now() });
  // Most pushes of a busy repository are to branches that nobody watches: they are settled as they are stored.
  const unwanted =
    item.kind === 'push' || item.kind === 'pull_request'
      ? whyUnwanted(wishesOf(item.repositoryId), item)
      : undefined;
  const isNew = await deliveries.receiveOnce(item, unwanted ?? null);
  if (!isNew) {
    return { kind: 'known' };
  }
  if (unwanted !== undefined) {
    return { kind: 'ignored', reason: unwanted };
  }
  onStored();
  return { kind: 'accepted' };
}

function toItem(
  event: Stored,
  received: Pick<NewItem, 'repositoryId' | 'uid' | 'origin' | 'receivedAt'>,
): NewItem {
  switch (event.kind) {
    case 'push':
      return {
        ...received,
        kind: 'push',
        ref: event.ref,
        sha: event.sha,
        before: event.before,
        prNumber: null,
        isTrusted: true,
        people: null,
      };
    case 'request': {
      const { number, baseRef, headSha, isFromHere, author, headName } = event.request;
      return {
        ...received,
        kind: 'pull_request',
        ref: baseRef,
        sha: headSha,
        before: null,
        prNumber: number,
        isTrusted: isFromHere,
        people: { author, pusher: event.pusher, headName },
      };
    }
    case 'deleted':
      return { ...received, kind: 'deleted', ref: event.ref };
    case 'closed':
      return { ...received, kind: 'closed', prNumber: event.number };
    case 'rerun':
    case 'approve':
      return { ...received, kind: event.kind, sha: event.sha, of: event.of, by: event.by };
  }
}

/** The same for what is not there and for what is somebody else's. */
function nothingThere(): AppError {
  return new AppError('not-found', 'There is nothing here.');
}
