/** Markdown of what came from outside: nothing of it can end a block, make a link, name a person or run anything. */
import { JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import { plainText } from '@argunix/shared/domain/plain-text';

/** A fence longer than any inside. */
export function codeBlock(text: string): string {
  const plain = plainText(text).toWellFormed();
  const longest = Math.max(2, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${plain}\n${fence}`;
}

/** As code on one line, so that no sign of it means anything. */
export function inline(text: string): string {
  const plain = plainText(text).replace(/\s+/g, ' ').trim().toWellFormed();
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return plain === '' ? '' : `${fence} ${plain} ${fence}`;
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
