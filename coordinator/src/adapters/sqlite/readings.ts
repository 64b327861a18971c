import { statSync } from 'node:fs';
import { isLivingJob } from './living.ts';
import type { OpenDatabase } from './open-database.ts';
import { sqlite } from './sql.ts';

export interface Readings {
  queue(): readonly { readonly system: string; readonly depth: number; readonly oldestAgeSeconds: number }[];
  deliveriesPending(): number;
  databaseBytes(): { readonly main: number; readonly wal: number };
}

/** What is read of the database each time that somebody asks for metrics: by the indexes of what lives, so always quick. */
export function createReadings(database: () => OpenDatabase): Readings {
  return {
    queue: () =>
      database()
        .all(
          sqlite
            .selectFrom('jobs')
            .select(({ fn }) => [
              'system',
              fn.countAll<number>().as('depth'),
              fn.min('queued_at').as('oldest'),
            ])
            .where(isLivingJob)
            .where('status', '=', 'queued')
            .groupBy('system'),
        )
        .map(({ system, depth, oldest }) => ({
          system,
          depth,
          oldestAgeSeconds: Math.max(0, (Date.now() - oldest) / 1000),
        })),
    deliveriesPending: () =>
      database().first(
        sqlite
          .selectFrom('deliveries')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('handled_at', 'is', null),
      )?.count ?? 0,
    databaseBytes: () => ({ main: sizeOf(database().path), wal: sizeOf(`${database().path}-wal`) }),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
