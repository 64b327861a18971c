import { parseGitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { parseSha } from '@argunix/shared/domain/sha';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict, Trigger } from '../ports/commands.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { Head, Repository } from '../ports/repository-store.ts';
import type { Source, SourceCheckout } from '../ports/source-checkout.ts';

export interface TriggerPorts {
  readonly checkout: SourceCheckout;
  readonly deliveries: DeliveryStore;
  readonly evaluations: Pick<EvaluationStore, 'newestLike'>;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** Makes an evaluation of a head of `repository`, by way of the inbox: the wish is stored before it is answered. */
export async function triggerEvaluation(
  { checkout, deliveries, evaluations, changes, clock }: TriggerPorts,
  repository: Repository,
  source: Source,
  { revision }: Trigger,
  signal: AbortSignal,
): Promise<CommandVerdict<{ readonly evaluationId: EvaluationId }>> {
  let heads: readonly Head[];
  try {
    ({ heads } = await checkout.look(source, signal));
  } catch (error) {
    return { kind: 'refused', reason: messageOf(error) };
  }
  const wanted = revision.kind === 'ref' ? parseGitRef(revision.ref) : parseSha(revision.sha);
  const head = heads.find(({ ref, sha }) => ref === wanted || sha === wanted);
  if (head === undefined) {
    const what =
      revision.kind === 'ref' ? `branch or tag ${JSON.stringify(revision.ref)}` : `head ${revision.sha}`;
    return {
      kind: 'refused',
      reason: `${repository.slug} has no ${what} now; a revision can be evaluated while a branch or tag points at it.`,
    };
  }
  const at = clock.now();
  const delivery = {
    repositoryId: repository.id,
    kind: 'manual',
    origin: 'person',
    uid: null,
    people: null,
    prNumber: null,
    ref: head.ref,
    sha: head.sha,
    isTrusted: true,
    receivedAt: at,
  } as const;
  const made = await deliveries.accept({ ...delivery, id: await deliveries.receive(delivery) }, at);
  // Whoever handled the inbox in between has made it.
  const evaluationId = made ?? evaluations.newestLike(delivery)?.id;
  if (evaluationId === undefined) {
    throw new Error('a delivery was handled, and there is no evaluation of its revision');
  }
  changes.tell({ kind: 'evaluation', evaluationId });
  return { kind: 'done', evaluationId };
}
