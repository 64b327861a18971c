/** What becomes of an evaluation that ran out of memory: one more try with all there is, alone; then it has failed. */
import type { AttributePath } from '@argunix/shared/domain/attribute-path';
import { sizeText } from '@argunix/shared/domain/size-text';

export interface MemoryShortage {
  /** What it could use. */
  readonly memoryBytes: number;
  readonly budgetBytes: number;
  /** What was being evaluated; none when it was the flake itself. */
  readonly attrs: readonly AttributePath[];
}

export type ShortageVerdict = {
  /** `again` for one that had less than there is. */
  readonly kind: 'again' | 'failed';
  readonly reason: string;
};

// More only make a wall of text; each has a row of its own with the same message.
const MOST_NAMED = 5;

export function judgeShortage({ memoryBytes, budgetBytes, attrs }: MemoryShortage): ShortageVerdict {
  const had = sizeText(memoryBytes);
  return memoryBytes < budgetBytes
    ? {
        kind: 'again',
        reason: `It ran out of ${had} while evaluating ${named(attrs)}; it is tried once more alone with the whole ${sizeText(budgetBytes)}.`,
      }
    : {
        kind: 'failed',
        reason: `It ran out of memory while evaluating ${named(attrs)}, alone and with the whole ${had}. Raise eval.memory_budget where the host has more, or make what is evaluated smaller.`,
      };
}

function named(attrs: readonly AttributePath[]): string {
  if (attrs.length === 0) {
    return 'the flake';
  }
  const more = attrs.length - MOST_NAMED;
  return `${attrs.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
