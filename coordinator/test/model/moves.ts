/** Watches every change of state from inside the database, so that no path of the program goes unseen. */
import { JOB_STATUSES } from '@argunix/shared/domain/job-status';
import { sql } from 'kysely';
import type { OpenDatabase } from '../../src/adapters/sqlite/open-database.ts';
import { sqlite } from '../../src/adapters/sqlite/sql.ts';

// The transitions of CONTRACT §5, and what undoes a try: a requeue, a restart. Only a new attempt leaves an end.
const JOB_ENDS = JOB_STATUSES.slice(2);
const MOVES = new Set([
  'job queued > running',
  'job running > queued',
  ...JOB_ENDS.flatMap((end) => [
    `job queued > ${end}`,
    `job running > ${end}`,
    `job ${end} > queued, next attempt`,
  ]),
  'evaluation queued > evaluating',
  'evaluation evaluating > queued',
  'evaluation evaluating > building',
  'evaluation evaluating > evaluation_failed',
  'evaluation building > done',
  'evaluation done > building',
  'evaluation queued > cancelled',
  'evaluation evaluating > cancelled',
  'evaluation building > cancelled',
  'evaluation queued > superseded',
  'evaluation evaluating > superseded',
  'evaluation building > superseded',
]);

const WATCH = [
  'create table moves (what text not null) strict',
  `create trigger job_moves after update of status, attempt on jobs
    when old.status <> new.status or old.attempt <> new.attempt begin
    insert into moves values ('job ' || old.status || ' > ' || new.status ||
      case new.attempt - old.attempt when 0 then '' when 1 then ', next attempt' else ', odd attempt' end); end`,
  `create trigger evaluation_moves after update of status on evaluations when old.status <> new.status begin
    insert into moves values ('evaluation ' || old.status || ' > ' || new.status); end`,
];

export async function recordMoves(database: OpenDatabase): Promise<void> {
  for (const text of WATCH) {
    await database.write([{ sql: text, parameters: [] }]);
  }
}

/** As on the first day. */
export async function forgetEverything(database: OpenDatabase): Promise<void> {
  await database.write(
    ['repositories', 'leases', 'moves'].map((table) => ({ sql: `delete from ${table}`, parameters: [] })),
  );
}

/** Changes of state that nobody promised. */
export function brokenMoves(database: OpenDatabase): readonly string[] {
  const seen = database.all({
    compile: () => sql<{ what: string }>`select distinct what from moves`.compile(sqlite),
  });
  return seen.map(({ what }) => what).filter((what) => !MOVES.has(what));
}
