import { parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseSha } from '@argunix/shared/domain/sha';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { CommandVerdict, Trigger } from '../ports/commands.ts';
import type { DeliveryStore } from '../ports/delivery-store.ts';
import type { Head, Repository } from '../ports/repository-store.ts';
import type { Source, SourceCheckout } from '../ports/source-checkout.ts';

export interface TriggerPorts {
  readonly checkout: SourceCheckout;
  readonly deliveries: DeliveryStore;
  readonly clock: Clock;
}

/** Stores the wish to evaluate a head of `repository`; the evaluation that comes of it is made from the inbox. */
export async function triggerEvaluation(
  { checkout, deliveries, clock }: TriggerPorts,
  repository: Repository,
  source: Source,
  { revision }: Trigger,
  signal: AbortSignal,
): Promise<CommandVerdict<object>> {
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
  await deliveries.receive({
    repositoryId: repository.id,
    kind: 'manual',
    ref: head.ref,
    sha: head.sha,
    isTrusted: true,
    receivedAt: clock.now(),
  });
  return { kind: 'done' };
}
