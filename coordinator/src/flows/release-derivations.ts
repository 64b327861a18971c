import type { EvaluationId } from '@argunix/shared/domain/ids';
import type { Logger } from '@argunix/shared/kit/logger';
import { derivationRoots } from '../domain/root-owners.ts';
import type { GcRoots } from '../ports/gc-roots.ts';

export interface ReleasePorts {
  readonly roots: GcRoots;
  readonly log: Logger;
}

/** The derivations of an evaluation that has ended need not be held. Roots that stay are no harm: the next start removes them. */
export async function releaseDerivations({ roots, log }: ReleasePorts, id: EvaluationId): Promise<void> {
  try {
    await roots.remove(derivationRoots(id));
  } catch (error) {
    log.warn({ err: error, evaluationId: id }, 'roots of an ended evaluation could not be removed yet');
  }
}
