/** What a forge tells us that is no revision: a branch or a request is gone, or somebody pressed a button there. */
import { isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import { type EvaluationId, type JobId, toEvaluationId, toJobId } from '@argunix/shared/domain/ids';
import type { CommandVerdict } from '../ports/commands.ts';
import type { Notice } from '../ports/delivery-store.ts';
import type { Evaluation, EvaluationStore } from '../ports/evaluation-store.ts';
import type { JobStore } from '../ports/job-store.ts';
import { cancelBranch } from './cancel-branch.ts';
import type { CancelPorts } from './cancel-evaluation.ts';
import { cancelRequest } from './cancel-request.ts';

export interface NoticePorts extends CancelPorts {
  readonly evaluations: EvaluationStore;
  readonly jobs: Pick<JobStore, 'find' | 'failed'>;
  restartJob(id: JobId): Promise<CommandVerdict<object>>;
  restartFailed(id: EvaluationId): Promise<CommandVerdict<object>>;
  restartEvaluation(id: EvaluationId): Promise<CommandVerdict<object>>;
  /** Asks the forge whether `by` may, and approves; in the background, for a forge may be slow. */
  approve(evaluation: Evaluation, by: string): void;
}

/** Answers what came of it, for the inbox. */
export async function heedNotice(ports: NoticePorts, notice: Notice): Promise<string> {
  switch (notice.kind) {
    case 'deleted':
      await cancelBranch(ports, notice.repositoryId, [notice.ref]);
      return 'what waited of it was cancelled';
    case 'closed':
      await cancelRequest(ports, notice.repositoryId, notice.prNumber);
      return 'what lived of it was cancelled';
    case 'rerun':
      return await rerun(ports, notice);
    case 'approve': {
      const evaluation = evaluationOf(ports, notice);
      if (evaluation === undefined || notice.by === null) {
        return 'there is no such evaluation';
      }
      ports.approve(evaluation, notice.by);
      return `whether ${notice.by} may is being asked`;
    }
    default:
      return notice satisfies never;
  }
}

type Button = Extract<Notice, { kind: 'rerun' | 'approve' }>;

async function rerun(ports: NoticePorts, notice: Button): Promise<string> {
  const evaluation = evaluationOf(ports, notice);
  if (evaluation === undefined) {
    return 'there is no such evaluation';
  }
  const jobId = notice.of?.jobId ?? null;
  if (jobId !== null) {
    const job = ports.jobs.find(toJobId(jobId));
    return job?.evaluationId === evaluation.id
      ? said(await ports.restartJob(job.id))
      : 'there is no such job';
  }
  if (!isEvaluationEnded(evaluation.status)) {
    return 'it has not ended yet';
  }
  return evaluation.status === 'done' && ports.jobs.failed(evaluation.id).length > 0
    ? said(await ports.restartFailed(evaluation.id))
    : said(await ports.restartEvaluation(evaluation.id));
}

/** What the button names, as far as it is of this repository and revision; without a name, the newest of the revision. */
function evaluationOf(
  { evaluations }: NoticePorts,
  { of, repositoryId, sha }: Button,
): Evaluation | undefined {
  if (of === null) {
    return evaluations.ofRevision(repositoryId, sha).at(-1);
  }
  const found = evaluations.find(toEvaluationId(of.evaluationId));
  return found?.repositoryId === repositoryId && found.sha === sha ? found : undefined;
}

function said(verdict: CommandVerdict<object>): string {
  switch (verdict.kind) {
    case 'done':
      return 'it is built again';
    case 'refused':
      return verdict.reason;
    case 'not_found':
      return 'there is no such thing';
  }
}
