/**
 * What an evaluation that came to nothing gets next, by what it had so far. Kept in memory alone: the next start of the
 * program tries from the beginning.
 */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import { judgeShortage, type ShortageVerdict } from '../domain/memory-shortage.ts';
import { retryDelayMs } from '../domain/retry-delay.ts';
import type { EvaluationEnding } from '../ports/evaluator.ts';

export interface TriesPorts {
  readonly clock: Clock;
  /** How often the host or the network may spoil one. */
  readonly retries: number;
  readonly retryMs: number;
  readonly room: { readonly budgetBytes: number };
}

export type SpoiledVerdict =
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'again'; readonly reason: string; readonly count: number; readonly afterMs: number };

export interface EvaluationTries {
  /** How much it may use in its next try. */
  memoryOf(id: EvaluationId, settings: { readonly memoryBytes: number }): number;
  /** The host or the network was at fault. */
  spoiled(id: EvaluationId, reason: string): SpoiledVerdict;
  starved(
    id: EvaluationId,
    ending: Extract<EvaluationEnding, { kind: 'out_of_memory' }>,
    memoryBytes: number,
  ): ShortageVerdict;
  /** Its rest is over. */
  rested(id: EvaluationId): void;
  /** Why it rests and for how long, in a sentence; undefined when it does not. */
  whyResting(id: EvaluationId): string | undefined;
  forget(id: EvaluationId): void;
}

/** Its numbers are read when they are needed: they may change at any time. */
export function createEvaluationTries(ports: TriesPorts): EvaluationTries {
  const { clock, room } = ports;
  const failures = new Map<EvaluationId, number>();
  const starved = new Set<EvaluationId>();
  const rests = new Map<EvaluationId, { readonly until: EpochMs; readonly reason: string }>();
  return {
    // The budget may have been lowered since the configuration of the repository was checked against it.
    memoryOf: (id, { memoryBytes }) =>
      starved.has(id) ? room.budgetBytes : Math.min(memoryBytes, room.budgetBytes),
    spoiled: (id, reason) => {
      const { retries, retryMs } = ports;
      const count = (failures.get(id) ?? 0) + 1;
      if (count > retries) {
        return { kind: 'failed', reason: `Tried ${count} times: ${reason}` };
      }
      failures.set(id, count);
      const afterMs = retryDelayMs(retryMs, count);
      const shown = `It is tried again (${count} of ${retries}): ${reason}`;
      rests.set(id, { until: toEpochMs(clock.now() + afterMs), reason: shown });
      return { kind: 'again', reason: shown, count, afterMs };
    },
    starved: (id, { attrs }, memoryBytes) => {
      const verdict = judgeShortage({ attrs, memoryBytes, budgetBytes: room.budgetBytes });
      if (verdict.kind === 'again') {
        starved.add(id);
      }
      return verdict;
    },
    rested: (id) => {
      rests.delete(id);
    },
    whyResting: (id) => {
      const rest = rests.get(id);
      return rest === undefined
        ? undefined
        : `It rests for another ${durationText(rest.until - clock.now())}. ${rest.reason}`;
    },
    forget: (id) => {
      failures.delete(id);
      starved.delete(id);
      rests.delete(id);
    },
  };
}

function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
