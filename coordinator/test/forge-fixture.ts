/** A repository at a forge, with real stores and a clock that a test holds. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Logger } from '@argunix/shared/kit/logger';
import { createCheckJobs } from '../src/adapters/sqlite/check-jobs.ts';
import { createHookStore } from '../src/adapters/sqlite/hook-store.ts';
import type { CheckJobs } from '../src/ports/check-jobs.ts';
import type { HookStore } from '../src/ports/hook-store.ts';
import type { Repository } from '../src/ports/repository-store.ts';
import { type CountedDatabase, countedDatabase } from './fakes/counted-database.ts';
import { createManualClock, type ManualClock } from './fakes/manual-clock.ts';
import { AT, openStores, type Stores } from './store-fixture.ts';

export const SLUG = 'demo/sample' as RepositorySlug;

export interface ForgeStores extends Stores {
  readonly database: CountedDatabase;
  readonly checkJobs: CheckJobs;
  readonly hookStore: HookStore;
  readonly clock: ManualClock;
  /** Of the forge named `forge`. */
  readonly repository: Repository;
  /** Of no forge. */
  readonly plainRepository: Repository;
  close(): Promise<void>;
}

export async function openForgeStores(): Promise<ForgeStores> {
  let counted: CountedDatabase | undefined;
  const stores = await openStores(undefined, {
    wrap: (database) => {
      counted = countedDatabase(database);
      return counted;
    },
  });
  if (counted === undefined) {
    throw new Error('the database was not opened');
  }
  const database = counted;
  return {
    ...stores,
    database,
    checkJobs: createCheckJobs(database),
    hookStore: createHookStore(database),
    clock: createManualClock(AT, () => database.settle()),
    repository: await stores.repositories.ensure({ forge: 'forge', slug: SLUG, kind: 'forgejo' }, AT),
    plainRepository: stores.repository,
  };
}

export interface KeptLog extends Logger {
  readonly lines: { readonly level: keyof Logger; readonly message: string; readonly details: object }[];
  said(level: keyof Logger): readonly string[];
}

export function keptLog(): KeptLog {
  const lines: KeptLog['lines'] = [];
  const at =
    (level: keyof Logger) =>
    (details: object, message: string): void => {
      lines.push({ level, message, details });
    };
  return {
    lines,
    said: (wanted) => lines.filter(({ level }) => level === wanted).map(({ message }) => message),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
