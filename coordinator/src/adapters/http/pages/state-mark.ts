/** How states look: a shape and a word each, so that nothing is told by colour alone. */
import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import type { EvaluationView } from '@argunix/shared/control-api/views';
import type { JobPhase, JobStatus } from '@argunix/shared/domain/job-status';
import { type Html, html } from './html.ts';

const SHAPES: Readonly<Record<JobStatus, string>> = {
  queued: 'M8 3a5 5 0 1 1 0 10A5 5 0 1 1 8 3',
  running: 'M8 2.500a5.500 5.500 0 1 1-5.500 5.500',
  cached: 'M1.500 8.500l3 3 5.500-6.500M7.500 10.500l1 1L14.500 5',
  success: 'M3 8.500l3.500 3.500L13 4.500',
  failure: 'M4 4l8 8M12 4l-8 8',
  timed_out: 'M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 1 1 0-11M8 5v3.300l2.200 1.500',
  dependency_failed: 'M4 2.500v5.500q0 2 2 2h6M9.500 7.200l3 2.800-3 2.800',
  cancelled: 'M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 1 1 0-11M5.500 8h5',
  unsupported: 'M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 1 1 0-11M4.200 4.200l7.600 7.600',
  error: 'M8 2.200l6.200 11H1.800zM8 6.200v3.300M8 11.400v.2',
};

const WORDS: Readonly<Record<JobStatus, string>> = {
  queued: 'queued',
  running: 'running',
  cached: 'cached',
  success: 'success',
  failure: 'failure',
  timed_out: 'timed out',
  dependency_failed: 'dependency failed',
  cancelled: 'cancelled',
  unsupported: 'unsupported',
  error: 'error',
};

const PHASE_WORDS: Readonly<Record<JobPhase, string>> = {
  push: 'sending inputs',
  build: 'building',
  pull: 'fetching outputs',
  publish: 'publishing',
};

export function jobMark(status: JobStatus, word = WORDS[status]): Html {
  return html`<span class="mark s-${status}">${shape(status)}${word}</span>`;
}

export function phaseWord(phase: JobPhase | null): string {
  return phase === null ? 'running' : PHASE_WORDS[phase];
}

export function statusWord(status: JobStatus): string {
  return WORDS[status];
}

export function evaluationMark({ status, outcome }: EvaluationView): Html {
  switch (status) {
    case 'awaiting_approval':
      return jobMark('queued', 'awaiting approval');
    case 'queued':
      return jobMark('queued');
    case 'evaluating':
    case 'building':
      return jobMark('running', status);
    case 'evaluation_failed':
      return jobMark('failure', 'evaluation failed');
    case 'cancelled':
    case 'superseded':
      return jobMark('cancelled', status);
    case 'done':
      return jobMark(outcome ?? 'success');
    default:
      return status satisfies never;
  }
}

/** Nothing is said of a builder that is as it should be. */
export function builderMark({ state, paused }: BuilderView): Html | false {
  switch (state) {
    case 'ready':
      return false;
    case 'paused':
      return pauseMark(paused?.why ?? 'drained');
    case 'quarantined':
      return jobMark('timed_out', 'set aside');
    case 'absent':
      return jobMark('cancelled', 'away');
    case 'revoked':
      return jobMark('unsupported', 'revoked');
    default:
      return state satisfies never;
  }
}

function pauseMark(why: NonNullable<BuilderView['paused']>['why']): Html {
  switch (why) {
    case 'drained':
      return jobMark('queued', 'drained');
    case 'stopping':
      return jobMark('queued', 'stopping');
    case 'low_disk':
      return jobMark('timed_out', 'low on disk');
    default:
      return why satisfies never;
  }
}

function shape(status: JobStatus): Html {
  return html`<svg class="shape" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="${SHAPES[status]}"/></svg>`;
}
