import { createHash } from 'node:crypto';

// GitHub refuses a longer context of a status, and a longer name of a check run.
const LONGEST = 255;

/** The context within what GitHub takes. Two that differ stay two: a long one ends with a digest of the whole. */
export function contextWithin(context: string): string {
  const characters = Array.from(context.toWellFormed());
  if (characters.length <= LONGEST) {
    return characters.join('');
  }
  const digest = createHash('sha256').update(context).digest('hex').slice(0, 16);
  return `${characters.slice(0, LONGEST - digest.length - 1).join('')}…${digest}`;
}
