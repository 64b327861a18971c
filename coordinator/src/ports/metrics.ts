import type { EvaluationOutcome, EvaluationStatus } from '@argunix/shared/domain/evaluation-status';
import type { JobEnding } from '@argunix/shared/domain/job-status';
import type { Carried, Direction } from './builder.ts';

export type WebhookOutcome = 'accepted' | 'known' | 'ignored' | 'rate_limited' | 'refused';

/** What flows count as it happens; what can be read at any time is read when the metrics are asked for. Never throws. */
export interface Metrics {
  /** `forge` is a name of the configuration, never what a stranger sent. */
  webhookReceived(forge: string, outcome: WebhookOutcome): void;
  /** A request went to a forge: the HTTP status of its answer, or none. */
  forgeAsked(forge: string, outcome: number | 'unreachable'): void;
  /** `totalMs` from its making to its end. */
  evaluationEnded(status: EvaluationStatus, outcome: EvaluationOutcome | null, totalMs: number): void;
  jobEnded(status: JobEnding, system: string): void;
  /** A builder ran for this long; what was cached or substituted is not told. */
  buildEnded(system: string, durationMs: number): void;
  /** A closure went to a builder, or came back. */
  closureCarried(direction: Direction, what: Carried): void;
  /** One look at what is ready and who may build it. */
  dispatchDecided(durationMs: number): void;
}
