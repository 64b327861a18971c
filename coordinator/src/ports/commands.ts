import type { RepositoryRef } from '@argunix/shared/control-api/views';

interface Poke {
  readonly forge: string;
  /** Only this repository of the forge; null means all of them. */
  readonly slug: string | null;
  readonly remoteAddress: string;
}

export interface Trigger {
  readonly repository: RepositoryRef;
  readonly revision:
    | { readonly kind: 'ref'; readonly ref: string }
    | { readonly kind: 'sha'; readonly sha: string };
}

/** `refused` carries the sentence why; what does not exist is `not_found`. */
export type CommandVerdict<Done> =
  | ({ readonly kind: 'done' } & Done)
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'not_found' };

/** What people and programs may ask for. Each returns when the wish is stored, not when it is fulfilled. */
export interface Commands {
  /** Brings the next poll forward; asking twice is asking once. `message` says what will happen, for whoever poked. */
  poke(poke: Poke): Promise<CommandVerdict<{ readonly message: string }>>;
  /** A revision that no branch or tag leads to is evaluated too, and not trusted. */
  trigger(trigger: Trigger): Promise<CommandVerdict<{ readonly evaluationId: number }>>;
  /** Trusts exactly its revision; `by` is kept with it. */
  approveEvaluation(evaluationId: number, by: string): Promise<CommandVerdict<object>>;
  cancelEvaluation(evaluationId: number): Promise<CommandVerdict<object>>;
  /** The id is that of the new evaluation. */
  restartEvaluation(evaluationId: number): Promise<CommandVerdict<{ readonly evaluationId: number }>>;
  /** Every job of it that did not end well is tried again. */
  restartFailed(evaluationId: number): Promise<CommandVerdict<object>>;
  /** What of it waits goes to the front. */
  bumpEvaluation(evaluationId: number): Promise<CommandVerdict<object>>;
  restartJob(jobId: number): Promise<CommandVerdict<object>>;
  cancelJob(jobId: number): Promise<CommandVerdict<object>>;
  /** With what it needs. */
  bumpJob(jobId: number): Promise<CommandVerdict<object>>;
}
