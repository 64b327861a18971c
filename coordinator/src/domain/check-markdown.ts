/** Markdown of what came from outside: nothing of it can end a block, make a link, name a person or run anything. */
import { JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import { plainText } from '@argunix/shared/domain/plain-text';

/** A fence longer than any inside. */
export function codeBlock(text: string): string {
  const plain = plainText(text).toWellFormed();
  const fence = fenceOf(plain, 3);
  return `${fence}text\n${plain}\n${fence}`;
}

/** As code on one line, so that no sign of it means anything. */
export function inline(text: string): string {
  const plain = plainText(text).replace(/\s+/g, ' ').trim().toWellFormed();
  const fence = fenceOf(plain, 1);
  return plain === '' ? '' : `${fence} ${plain} ${fence}`;
}

/** Longer than any row of backticks inside; a build may have printed a million of them. */
function fenceOf(text: string, least: number): string {
  let length = least;
  for (const [ticks] of text.matchAll(/`+/g)) {
    length = Math.max(length, ticks.length + 1);
  }
  return '`'.repeat(length);
}

export function failureHeading(attr: string): string {
  return `### ${inline(attr)}`;
}

export function countsTable(counts: Readonly<Record<JobStatus, number>>): string {
  const some = JOB_STATUSES.filter((status) => counts[status] > 0);
  if (some.length === 0) {
    return 'There is nothing to build.';
  }
  return [
    `| ${some.map((status) => status.replaceAll('_', ' ')).join(' | ')} |`,
    `| ${some.map(() => '---:').join(' | ')} |`,
    `| ${some.map((status) => counts[status]).join(' | ')} |`,
  ].join('\n');
}
