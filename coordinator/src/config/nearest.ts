import { closest, distance } from 'fastest-levenshtein';

/** Only what a slip of the finger could have meant: far names mislead more than none. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) {
    return undefined;
  }
  const nearest = closest(word, known);
  return distance(word, nearest) <= Math.max(2, Math.floor(nearest.length / 3)) ? nearest : undefined;
}
