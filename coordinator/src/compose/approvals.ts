/** What becomes of requests that wait for somebody: one who may approves them at the forge, or nobody does for too long. */
import type { EvaluationId, RepositoryId } from '@argunix/shared/domain/ids';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Configuration } from '../config/configuration.ts';
import { approveEvaluation } from '../flows/approve-evaluation.ts';
import { keepTrying, type PatiencePorts } from '../flows/keep-trying.ts';
import type { Changes } from '../ports/changes.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { Forge } from '../ports/forge.ts';

export interface ApprovalsOptions {
  readonly evaluations: EvaluationStore;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Logger;
  readonly patience: PatiencePorts;
  readonly current: () => Configuration;
  forgeOf(id: RepositoryId): Forge | undefined;
  slugOf(id: RepositoryId): RepositorySlug | undefined;
  cancel(id: EvaluationId, reason: string): Promise<unknown>;
  onQueued(): void;
}

export interface Approvals {
  /** Asks whether this login may, and approves. */
  approveBy(evaluation: Evaluation, login: string): Promise<void>;
  /** Cancels what nobody approves, until the stop. */
  expire(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function createApprovals(options: ApprovalsOptions, stopping: AbortSignal): Approvals {
  const { evaluations, changes, clock, log, patience } = options;
  return {
    approveBy: async ({ id, repositoryId }, login) => {
      const [forge, slug] = [options.forgeOf(repositoryId), options.slugOf(repositoryId)];
      if (forge === undefined || slug === undefined) {
        return;
      }
      // The button was pressed and is not pressed again: a forge that cannot answer now is asked later.
      const mayPush = await keepTrying(patience, 'ask whether somebody may approve', stopping, () =>
        forge.mayPush(slug, login, stopping),
      );
      if (!mayPush) {
        log.warn({ evaluationId: id, login }, 'somebody who may not push pressed the button that approves');
        return;
      }
      await keepTrying(patience, 'approve an evaluation', stopping, () =>
        approveEvaluation({ evaluations, changes }, id, login),
      );
      options.onQueued();
    },
    expire: async () => {
      while (!stopping.aborted) {
        const { awaitingApprovalMs } = options.current().schedule;
        const days = Math.round((awaitingApprovalMs / DAY_MS) * 10) / 10;
        for (const { id, createdAt } of evaluations.living(['awaiting_approval'])) {
          if (clock.now() - createdAt > awaitingApprovalMs) {
            await keepTrying(patience, 'cancel what nobody approves', stopping, () =>
              options.cancel(id, `Nobody approved it within ${days} days.`),
            );
          }
        }
        await clock.sleep(Math.min(HOUR_MS, awaitingApprovalMs), stopping);
      }
    },
  };
}
