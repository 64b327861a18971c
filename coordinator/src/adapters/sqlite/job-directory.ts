import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import { type JobId, type RepositoryId, toJobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { type Selectable, sql } from 'kysely';
import type { JobDirectory, ListedJob } from '../../ports/job-directory.ts';
import { parseStrings } from './columns.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { jobUrl } from './view-fields.ts';

type JobRow = Selectable<Tables['jobs']>;
interface ListedRow
  extends Pick<
    JobRow,
    'id' | 'evaluation_id' | 'attr' | 'system' | 'drv_path' | 'status' | 'required_features'
  > {
  readonly is_trusted: number;
  readonly forge: string;
  readonly slug: string;
}

const MOST_OF_A_LEASE = 2_000;

export function createJobDirectory(
  database: Reader,
  { externalUrl }: { readonly externalUrl: string },
): JobDirectory {
  const listed = sqlite
    .selectFrom('jobs')
    .innerJoin('evaluations', 'evaluations.id', 'jobs.evaluation_id')
    .innerJoin('repositories', 'repositories.id', 'evaluations.repository_id')
    .select([
      'jobs.id',
      'evaluation_id',
      'attr',
      'system',
      'drv_path',
      'jobs.status',
      'required_features',
      'is_trusted',
      'forge',
      'slug',
    ]);
  function toListedJob(row: ListedRow): ListedJob {
    const repo = { forge: row.forge, slug: row.slug };
    return {
      ref: {
        id: row.id,
        eval_id: row.evaluation_id,
        attr: row.attr,
        system: row.system,
        repo,
        url: jobUrl(externalUrl, row.forge, row.slug, row.evaluation_id, row.attr),
      },
      drvPath: row.drv_path,
      status: row.status,
      requiredFeatures: parseStrings(row.required_features),
      isTrusted: row.is_trusted === 1,
    };
  }

  return {
    repositories: () =>
      new Map(
        database
          .all(sqlite.selectFrom('repositories').select(['id', 'forge', 'slug']))
          .map(({ id, forge, slug }) => [id as RepositoryId, { forge, slug }]),
      ),
    // One text for any number of ids, so that it is prepared once.
    jobs: (ids) =>
      new Map<JobId, ListedJob>(
        ids.length === 0
          ? []
          : database
              .all(
                listed.where(
                  'jobs.id',
                  'in',
                  sql<number>`(select value from json_each(${JSON.stringify(ids)}))`,
                ),
              )
              .map((row) => [toJobId(row.id), toListedJob(row)]),
      ),
    lease: (leaseId) => {
      const row = database.first(
        sqlite
          .selectFrom('leases')
          .select(['drv_path', 'builder', 'started_at', 'ended_at'])
          .where('id', '=', leaseId),
      );
      return row === undefined
        ? undefined
        : {
            drvPath: row.drv_path as DerivationPath,
            builder: row.builder,
            startedAt: row.started_at as EpochMs | null,
            endedAt: row.ended_at as EpochMs | null,
          };
    },
    jobsOfLease: (leaseId) =>
      database
        .all(listed.where('lease_id', '=', leaseId).orderBy('jobs.id').limit(MOST_OF_A_LEASE))
        .map(toListedJob),
  };
}
