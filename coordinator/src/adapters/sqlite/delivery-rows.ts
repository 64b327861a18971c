/** An item of the inbox as a row and back. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { DeliveryId, RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { Delivery, InboxItem, NewItem } from '../../ports/delivery-store.ts';
import type { Tables } from './tables.ts';

type Row = Selectable<Tables['deliveries']>;
type NewRow = Omit<Row, 'id' | 'handled_at' | 'verdict' | 'evaluation_id'>;

const People = z.object({ author: z.string(), pusher: z.string().nullable(), headName: z.string() });
const Push = z.object({ before: z.string() });
const Button = z.object({
  of: z.object({ evaluationId: z.int(), jobId: z.int().nullable() }).nullable(),
  by: z.string().nullable(),
});

export function fromItem(item: NewItem): NewRow {
  const received = {
    repository_id: item.repositoryId,
    kind: item.kind,
    origin: item.origin,
    uid: item.uid,
    received_at: item.receivedAt,
    is_trusted: 0,
    ref: null,
    pr_number: null,
    sha: null,
    details: null,
  };
  switch (item.kind) {
    case 'deleted':
      return { ...received, ref: item.ref };
    case 'closed':
      return { ...received, pr_number: item.prNumber };
    case 'rerun':
    case 'approve':
      return { ...received, sha: item.sha, details: JSON.stringify({ of: item.of, by: item.by }) };
    case 'push':
    case 'pull_request':
    case 'manual':
      return {
        ...received,
        ref: item.ref,
        pr_number: item.prNumber,
        sha: item.sha,
        is_trusted: item.isTrusted ? 1 : 0,
        details: detailsOf(item),
      };
  }
}

export function toItem(row: Row): InboxItem {
  const received = {
    id: row.id as DeliveryId,
    repositoryId: row.repository_id as RepositoryId,
    origin: row.origin,
    uid: row.uid,
    receivedAt: toEpochMs(row.received_at),
  };
  // The table's own checks say which columns are there for which kind.
  const ref = (row.ref ?? '') as GitRef;
  const sha = (row.sha ?? '') as Sha;
  switch (row.kind) {
    case 'deleted':
      return { ...received, kind: 'deleted', ref };
    case 'closed':
      return { ...received, kind: 'closed', prNumber: row.pr_number ?? 0 };
    case 'rerun':
    case 'approve':
      return { ...received, kind: row.kind, sha, ...Button.parse(JSON.parse(row.details ?? '{}')) };
    case 'push':
    case 'pull_request':
    case 'manual':
      return {
        ...received,
        kind: row.kind,
        ref,
        prNumber: row.pr_number,
        sha,
        isTrusted: row.is_trusted === 1,
        ...fromDetails(row),
      };
  }
}

function detailsOf({ people, before }: Pick<Delivery, 'people' | 'before'>): string | null {
  const details = people ?? (before === null ? null : { before });
  return details === null ? null : JSON.stringify(details);
}

function fromDetails({ kind, details }: Row): Pick<Delivery, 'people' | 'before'> {
  if (details === null) {
    return { people: null, before: null };
  }
  const known: unknown = JSON.parse(details);
  return kind === 'push'
    ? { people: null, before: Push.parse(known).before as Sha }
    : { people: People.parse(known), before: null };
}
