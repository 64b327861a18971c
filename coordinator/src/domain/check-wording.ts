/** What the lines below a revision say. */
import type { EvaluationOutcome, EvaluationStatus } from '@argunix/shared/domain/evaluation-status';
import type { JobStatus } from '@argunix/shared/domain/job-status';
import { plainText } from '@argunix/shared/domain/plain-text';
import { readableReason } from '@argunix/shared/domain/readable-reason';

// What every forge takes; GitHub's limit.
const MOST = 140;

export const EVALUATION_CONTEXT = 'argunix: evaluation';

// What no line shows: controls, what turns the direction of reading or joins characters, ends of lines and paragraphs.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A flake may name its attributes as it likes; two that differ stay two, for in a quoted name a backslash is two. */
export function jobContext(attr: string): string {
  const name = attr.replace(
    UNSEEN,
    (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`,
  );
  return `argunix: ${name}`;
}

/** `CheckState` of ports/forge.ts, which this floor does not know. */
type State = 'pending' | 'success' | 'failure' | 'error' | 'cancelled' | 'action_required';

export interface Said {
  readonly state: State;
  readonly description: string;
}

type Counts = Readonly<Record<JobStatus, number>>;

export interface ToldEvaluation {
  readonly status: EvaluationStatus;
  readonly outcome: EvaluationOutcome | null;
  readonly reason: string | null;
  readonly counts: Counts;
}

/** `isRolling`: its jobs have no lines of their own, so this one tells how far they are. */
export function sayEvaluation(evaluation: ToldEvaluation, isRolling: boolean): Said {
  const { status, outcome, reason, counts } = evaluation;
  switch (status) {
    case 'awaiting_approval':
      return say('action_required', `Waits for approval. ${reason ?? ''}`);
    case 'queued':
      return say('pending', 'Waits to be evaluated.');
    case 'evaluating':
      return say('pending', 'Evaluating.');
    case 'building':
      return say('pending', isRolling ? progressOf(counts) : `Building ${jobs(total(counts))}.`);
    case 'evaluation_failed':
      return say('failure', `Evaluation failed: ${lineOf(reason ?? '') || 'no reason is known'}`);
    case 'cancelled':
      return say('cancelled', reason ?? '', 'Cancelled.');
    case 'superseded':
      return say('cancelled', reason ?? '', 'Something newer took its place.');
    case 'done':
      return say(outcome ?? 'error', verdictOf(counts));
  }
}

export interface ToldJob {
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly tookMs: number | null;
}

export function sayJob({ status, reason, tookMs }: ToldJob): Said {
  const because = reason === null ? '' : readableReason(reason);
  switch (status) {
    // One line for both: a forge is told that it is known, and what came of it.
    case 'queued':
    case 'running':
      return say('pending', 'Waits or is being built.');
    case 'cached':
      return say('success', 'Was built before.');
    case 'success':
      return say('success', tookMs === null ? 'Built.' : `Built in ${duration(tookMs)}.`);
    case 'failure':
      return say('failure', because, 'The build failed.');
    case 'timed_out':
      return say('failure', because, 'The build took too long.');
    case 'dependency_failed':
      return say('failure', because, 'Something that it needs failed.');
    case 'cancelled':
      return say('cancelled', because, 'Cancelled.');
    case 'unsupported':
      return say('error', because, 'No builder can build it.');
    case 'error':
      return say('error', because, 'It could not be built, which is not its fault.');
  }
}

function progressOf(counts: Counts): string {
  const all = total(counts);
  const open = counts.queued + counts.running;
  return `${all - open} of ${jobs(all)} done: ${parts(counts)}`;
}

function verdictOf(counts: Counts): string {
  return total(counts) === 0 ? 'There is nothing to build.' : parts(counts);
}

const WORDS: readonly (readonly [JobStatus, string])[] = [
  ['success', 'built'],
  ['cached', 'cached'],
  ['failure', 'failed'],
  ['timed_out', 'timed out'],
  ['dependency_failed', 'without what they need'],
  ['error', 'not built for trouble here'],
  ['unsupported', 'that no builder can build'],
  ['cancelled', 'cancelled'],
];

function parts(counts: Counts): string {
  const some = WORDS.filter(([status]) => counts[status] > 0).map(
    ([status, word]) => `${counts[status]} ${word}`,
  );
  return some.length === 0 ? 'none yet' : some.join(', ');
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  return seconds < 3600
    ? `${Math.floor(seconds / 60)} min ${seconds % 60} s`
    : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function say(state: State, text: string, orElse = ''): Said {
  return { state, description: cut(lineOf(text) || orElse) };
}

/** The first line that says anything, whatever a flake or a build put into it. */
function lineOf(text: string): string {
  const lines = plainText(text).split(/[\n\p{Zl}\p{Zp}]/u);
  return (
    lines
      .map((line) => line.toWellFormed().replaceAll('\t', ' ').replace(UNSEEN, '').trim())
      .find((line) => line !== '') ?? ''
  );
}

function cut(line: string): string {
  if (line.length <= MOST) {
    return line;
  }
  // Half of a character, where it is cut in the middle of one, is none.
  return `${line.slice(0, MOST - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
