import type { Kysely } from 'kysely';
import { isBreaking as isFirstBreaking, up as makeFirstTables } from './0001-first-tables.ts';
import { isBreaking as isMoreBreaking, up as makeMoreIndexes } from './0002-more-indexes.ts';
import { isBreaking as isQueueBreaking, up as makeQueue } from './0003-queue.ts';
import { isBreaking as isBuildersBreaking, up as makeBuilders } from './0004-builders.ts';
import { isBreaking as isForgesBreaking, up as makeForges } from './0005-forges.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  /** An older program must not touch a database that went through it. */
  readonly isBreaking: boolean;
  up(db: Kysely<unknown>): Promise<void>;
}

/** Forward only, in this order; a migration that was released never changes. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'first-tables', isBreaking: isFirstBreaking, up: makeFirstTables },
  { number: 2, name: 'more-indexes', isBreaking: isMoreBreaking, up: makeMoreIndexes },
  { number: 3, name: 'queue', isBreaking: isQueueBreaking, up: makeQueue },
  { number: 4, name: 'builders', isBreaking: isBuildersBreaking, up: makeBuilders },
  { number: 5, name: 'forges', isBreaking: isForgesBreaking, up: makeForges },
];
