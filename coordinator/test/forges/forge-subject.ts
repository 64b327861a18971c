/**
 * What the contract of forges needs of one kind of forge: the adapter, a stand-in for the forge that it talks to, and a
 * hand on that stand-in. Each kind writes its own; forge-contract.ts runs the same tests on all of them.
 */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Clock } from '@argunix/shared/kit/clock';
import type { CheckState, Forge, ForgeLinks } from '../../src/ports/forge.ts';
import type { DeliveryDialect, DeliveryHeaders, ParsedDelivery } from '../../src/ports/forge-deliveries.ts';
import type { ForgeHooks } from '../../src/ports/forge-hooks.ts';
import type { StandInServer } from './stand-in-server.ts';

export interface StandInRepository {
  readonly slug: RepositorySlug;
  readonly isPrivate: boolean;
  readonly defaultBranch: string;
}

export interface StandInRequest {
  readonly number: number;
  readonly headSha: Sha;
  readonly headName: string;
  readonly baseName: string;
  /** Null: of a fork that is gone. */
  readonly headSlug: RepositorySlug | null;
  readonly author: string;
  readonly isDraft: boolean;
  readonly isOpen: boolean;
}

export type StandInRole = 'read' | 'triage' | 'write' | 'maintain' | 'admin';

export type StandInMerge = 'working' | 'conflict' | { readonly sha: Sha };

export interface StandInHook {
  readonly id: string;
  readonly url: string;
  readonly secret: string | null;
  readonly isActive: boolean;
}

/** One line below a commit, as the forge's page would show it. */
export interface ShownCheck {
  readonly context: string;
  /** In the forge's own word. */
  readonly state: string;
  readonly description: string;
  readonly url: string;
}

export type HookSpoil = 'inactive' | 'events' | 'certificates';

/** State of the stand-in, changed and seen behind the adapter's back. */
export interface ForgeStandIn {
  readonly server: StandInServer;
  addRepository(repository: StandInRepository): void;
  addRequest(slug: RepositorySlug, request: StandInRequest): void;
  /** What the forge says of the merge of a request; unsaid it is `working`. */
  setMerge(slug: RepositorySlug, number: number, merge: StandInMerge): void;
  grant(slug: RepositorySlug, login: string, role: StandInRole): void;
  /** A complete hook of somebody else. Answers its id. */
  addHook(slug: RepositorySlug, url: string): string;
  hooksOf(slug: RepositorySlug): readonly StandInHook[];
  spoilHook(slug: RepositorySlug, id: string, how: HookSpoil): void;
  /** Once for each context: what is seen of it last. */
  checksOf(slug: RepositorySlug, sha: Sha): readonly ShownCheck[];
}

export interface ForgeSubject {
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  readonly standIn: ForgeStandIn;
  /** The forge takes only a new credential from now on; the adapter's source gives that one. */
  rotateCredential(): void;
  /** Whatever must never be in an error or a URL. */
  secrets(): readonly string[];
  close(): Promise<void>;
}

/** The subject of the running test, made anew for each. */
export interface Scene {
  readonly subject: () => ForgeSubject;
  /** Moves the clock that the adapter reads. */
  readonly advance: (ms: number) => void;
  /** Another subject, that soon gives up on an answer: for what hangs. */
  readonly hurry: () => Promise<void>;
}

export interface OpenOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly retryMs: number;
}

export interface DeliveryCase {
  /** Ends `a delivery of …`. */
  readonly title: string;
  readonly headers: DeliveryHeaders;
  readonly payload: unknown;
  readonly expected: ParsedDelivery;
}

export interface ForgeContract {
  /** `GitHub with a token`. */
  readonly name: string;
  readonly open: (options: OpenOptions) => Promise<ForgeSubject>;
  /** The words of the forge for each state. */
  readonly states: Readonly<Record<CheckState, string>>;
  readonly headRef: (number: number) => string;
  /** Null where the forge makes no merge commits before a merge. */
  readonly mergeRef: ((number: number) => string) | null;
  /** What can be wrong with a hook; everything unless it is said. */
  readonly spoils?: readonly HookSpoil[];
  /** Below the forge's address, for `owner/name`, branch and tag `a/b`, request 7. */
  readonly links: (slug: RepositorySlug, sha: Sha) => Readonly<Record<keyof ForgeLinks, string>>;
}

export interface DialectContract {
  readonly name: string;
  readonly dialect: DeliveryDialect;
  /** The headers that sign `body` as the forge does. */
  readonly sign: (body: Buffer, secret: string, nowMs: number) => DeliveryHeaders;
  readonly cases: readonly DeliveryCase[];
}
