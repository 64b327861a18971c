import { type GitRef, parseGitRef } from '@argunix/shared/domain/git-ref';
import type { EvaluationId } from '@argunix/shared/domain/ids';
import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import { unreachedRef } from '../domain/unreached-ref.ts';
import type { Changes } from '../ports/changes.ts';
import type { CommandVerdict, Trigger } from '../ports/commands.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { Repository } from '../ports/repository-store.ts';
import type { Source, SourceCheckout } from '../ports/source-checkout.ts';

export interface TriggerPorts {
  readonly checkout: Pick<SourceCheckout, 'look' | 'isReachable' | 'treeOf'>;
  readonly deliveries: DeliveryStore;
  readonly evaluations: Pick<EvaluationStore, 'newestLike'>;
  readonly changes: Changes;
  readonly clock: Clock;
}

interface Found {
  readonly ref: GitRef;
  readonly sha: Sha;
  readonly isTrusted: boolean;
}

/** Makes an evaluation of a revision of `repository`, by way of the inbox: the wish is stored before it is answered. */
export async function triggerEvaluation(
  { checkout, deliveries, evaluations, changes, clock }: TriggerPorts,
  repository: Repository,
  source: Source,
  { revision }: Trigger,
  signal: AbortSignal,
): Promise<CommandVerdict<{ readonly evaluationId: EvaluationId }>> {
  let found: Found | undefined;
  try {
    found =
      revision.kind === 'ref'
        ? await findHead(checkout, source, revision.ref, signal)
        : await findRevision(checkout, source, revision.sha, signal);
  } catch (error) {
    if (!isAppError(error)) {
      throw error;
    }
    return { kind: 'refused', reason: messageOf(error) };
  }
  if (found === undefined) {
    const what =
      revision.kind === 'ref' ? `branch or tag ${JSON.stringify(revision.ref)}` : `revision ${revision.sha}`;
    return { kind: 'refused', reason: `${repository.slug} has no ${what} now.` };
  }
  const at = clock.now();
  const delivery = {
    repositoryId: repository.id,
    kind: 'manual',
    origin: 'person',
    uid: null,
    people: null,
    before: null,
    prNumber: null,
    ...found,
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

async function findHead(
  checkout: Pick<SourceCheckout, 'look'>,
  source: Source,
  text: string,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const wanted = parseGitRef(text);
  const { heads } = await checkout.look(source, signal);
  const head = heads.find(({ ref }) => ref === wanted);
  return head === undefined ? undefined : { ...head, isTrusted: true };
}

/**
 * That the server has a revision says nothing of who made it: forges serve those of forks through the repository. Only
 * what a branch or tag of the repository leads to was pushed by somebody who may.
 */
async function findRevision(
  checkout: Pick<SourceCheckout, 'look' | 'isReachable' | 'treeOf'>,
  source: Source,
  text: string,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const sha = parseSha(text);
  if (sha === undefined) {
    return undefined;
  }
  const { heads } = await checkout.look(source, signal);
  const head = heads.find((one) => one.sha === sha);
  const ref = head?.ref ?? (await checkout.isReachable(source, sha, signal));
  if (ref !== undefined) {
    return { ref, sha, isTrusted: true };
  }
  const revision = { sha, ref: unreachedRef(sha) };
  try {
    await checkout.treeOf(source, revision, signal);
  } catch (error) {
    if (isAppError(error) && error.code === 'git.missing-revision') {
      return undefined;
    }
    throw error;
  }
  return { ...revision, isTrusted: false };
}
