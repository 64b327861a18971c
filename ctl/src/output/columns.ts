/** What tables say of evaluations and jobs. */
import type { EvaluationView, JobView, RepositoryRef } from '@argunix/shared/control-api/views';
import type { Cell, Column } from './table.ts';
import { formatAge, formatDuration } from './times.ts';

export function nameOf({ forge, slug }: RepositoryRef): string {
  return `${forge}/${slug}`;
}

/** The state, or how it came out once it is over. */
export function evaluationState({ status, outcome }: EvaluationView): Cell {
  if (status === 'done' && outcome !== null) {
    return { text: outcome, look: outcome === 'success' ? 'good' : 'bad' };
  }
  const isBusy = status === 'evaluating' || status === 'building';
  const isFailed = status === 'evaluation_failed';
  if (isFailed) {
    return { text: status, look: 'bad' };
  }
  return { text: status, look: isBusy ? 'busy' : 'plain' };
}

export function jobState({ status, phase }: JobView): Cell {
  switch (status) {
    case 'success':
    case 'cached':
      return { text: status, look: 'good' };
    case 'failure':
    case 'timed_out':
    case 'dependency_failed':
    case 'error':
    case 'unsupported':
      return { text: status, look: 'bad' };
    case 'running':
      return { text: phase === null ? status : `${status} (${phase})`, look: 'busy' };
    case 'queued':
    case 'cancelled':
      return { text: status, look: 'plain' };
  }
}

export function progressOf({ counts }: EvaluationView): string {
  const good = counts.success + counts.cached;
  const waiting = counts.queued + counts.running;
  const bad = counts.total - good - waiting;
  return `${good}/${counts.total}${bad === 0 ? '' : `, ${bad} not`}`;
}

export function evaluationColumns(now: number): readonly Column<EvaluationView>[] {
  return [
    { title: 'ID', cell: ({ id }) => String(id) },
    { title: 'REPOSITORY', cell: ({ repo }) => nameOf(repo) },
    { title: 'REF', cell: ({ ref }) => ref },
    { title: 'REVISION', cell: ({ sha }) => sha.slice(0, 7) },
    { title: 'STATE', cell: evaluationState },
    { title: 'GOOD', cell: progressOf },
    { title: 'CREATED', cell: ({ created_at: at }) => formatAge(at, now) },
  ];
}

export function jobColumns(now: number): readonly Column<JobView>[] {
  return [
    { title: 'ID', cell: ({ id }) => String(id) },
    { title: 'ATTRIBUTE', cell: ({ attr }) => attr },
    { title: 'STATE', cell: jobState },
    { title: 'TOOK', cell: ({ started_at: from, finished_at: to }) => formatDuration(from, to, now) },
    { title: 'REASON', cell: ({ reason }) => reason ?? '' },
  ];
}
