import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { createCheckStore } from '../src/adapters/sqlite/check-store.ts';
import { createContenderStore } from '../src/adapters/sqlite/contender-store.ts';
import { createDeliveryStore } from '../src/adapters/sqlite/delivery-store.ts';
import { createEvaluationStore } from '../src/adapters/sqlite/evaluation-store.ts';
import { createJobStore } from '../src/adapters/sqlite/job-store.ts';
import { type OpenDatabase, openDatabase } from '../src/adapters/sqlite/open-database.ts';
import { createRepositoryStore } from '../src/adapters/sqlite/repository-store.ts';
import { createReuseStore } from '../src/adapters/sqlite/reuse-store.ts';
import { createViews } from '../src/adapters/sqlite/views.ts';
import type { WriterOptions } from '../src/adapters/sqlite/writer.ts';
import type { CheckStore } from '../src/ports/check-store.ts';
import type { ContenderStore } from '../src/ports/contender-store.ts';
import type { Delivery, DeliveryStore } from '../src/ports/delivery-store.ts';
import type { EvaluationStore } from '../src/ports/evaluation-store.ts';
import type { JobStore, NewJob } from '../src/ports/job-store.ts';
import type { Repository, RepositoryStore } from '../src/ports/repository-store.ts';
import type { ReuseStore } from '../src/ports/reuse-store.ts';
import type { Views } from '../src/ports/views.ts';

export const AT = toEpochMs(1_800_000_000_000);
export const MAIN = 'refs/heads/main' as GitRef;

export interface Stores {
  readonly stateDir: string;
  readonly database: OpenDatabase;
  readonly repositories: RepositoryStore;
  readonly deliveries: DeliveryStore;
  readonly evaluations: EvaluationStore;
  readonly contenders: ContenderStore;
  readonly jobs: JobStore;
  readonly reuse: ReuseStore;
  readonly checks: CheckStore;
  readonly views: Views;
  readonly repository: Repository;
}

/** Real stores on a real file, with one repository in it. */
export async function openStores(
  stateDir?: string,
  options: WriterOptions & { readonly wrap?: (database: OpenDatabase) => OpenDatabase } = {},
): Promise<Stores & { close(): Promise<void> }> {
  const { wrap = (unchanged) => unchanged, ...writing } = options;
  const dir = stateDir ?? (await mkdtemp(join(tmpdir(), 'argunix-store-')));
  const database = wrap(await openDatabase(dir, AT, writing));
  const repositories = createRepositoryStore(database);
  return {
    stateDir: dir,
    database,
    repositories,
    deliveries: createDeliveryStore(database),
    evaluations: createEvaluationStore(database),
    contenders: createContenderStore(database),
    jobs: createJobStore(database),
    reuse: createReuseStore(database),
    checks: createCheckStore(database),
    views: createViews(database, {
      externalUrl: 'http://ci.test',
      waitingReason: () => null,
    }),
    repository: await repositories.ensure(
      { forge: 'here', slug: 'demo/sample' as RepositorySlug, kind: 'git' },
      AT,
    ),
    close: async () => {
      await database.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function sha(digit: string): Sha {
  return digit.repeat(40) as Sha;
}

export function drvPath(name: string): DerivationPath {
  return `/nix/store/00000000000000000000000000000000-${name}.drv` as DerivationPath;
}

export function newJob(attr: string, status: NewJob['status'] = 'queued'): NewJob {
  return {
    attr,
    system: 'x86_64-linux',
    name: attr,
    drvPath: drvPath(attr),
    outputs: { out: `/nix/store/00000000000000000000000000000000-${attr}` },
    requiredFeatures: [],
    description: null,
    mainProgram: null,
    status,
    reason: null,
  };
}

/** An evaluation that builds these jobs. */
export async function building(
  stores: Stores,
  attrs: readonly string[],
  digit = 'a',
  some: Partial<Omit<Delivery, 'id'>> = {},
): Promise<{ readonly id: EvaluationId; readonly jobIds: readonly JobId[] }> {
  const id = await queued(stores, digit, some);
  await stores.evaluations.begin(id, AT);
  await stores.jobs.insert(
    id,
    attrs.map((attr) => newJob(attr)),
    AT,
  );
  await stores.evaluations.startBuilding(id, AT);
  return { id, jobIds: [...stores.jobs.unfinishedAttempts(id).keys()].toSorted((one, other) => one - other) };
}

export async function queued(
  stores: Stores,
  digit = 'a',
  some: Partial<Omit<Delivery, 'id'>> = {},
): Promise<EvaluationId> {
  const delivery = await received(stores, digit, some);
  const id = await stores.deliveries.accept(delivery, AT);
  if (id === undefined) {
    throw new Error('the delivery was not accepted');
  }
  return id;
}

/** A push to main, or what else is said, that stands in the inbox. */
export async function received(
  stores: Stores,
  digit = 'a',
  some: Partial<Omit<Delivery, 'id'>> = {},
): Promise<Delivery> {
  const delivery = {
    repositoryId: stores.repository.id,
    kind: (some.prNumber ?? null) === null ? 'push' : 'pull_request',
    origin: 'look',
    prNumber: null,
    ref: MAIN,
    sha: sha(digit),
    isTrusted: true,
    people: null,
    before: null,
    receivedAt: AT,
    ...some,
    uid: null,
  } as const;
  return { ...delivery, id: await stores.deliveries.receive(delivery) };
}

/** For handleDeliveries: everything is wanted, and nothing is asked of a forge. */
export const PLAIN_INBOX = {
  lookbackMs: 0,
  wishesOf: () => ({ isWatched: () => true, buildsRequests: true }),
  heed: () => Promise.resolve('nothing was done'),
  onGap: () => undefined,
} as const;
