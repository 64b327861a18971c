import { type EvaluationId, toEvaluationId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { LEFT_CONFIGURATION } from '../domain/left-configuration.ts';
import { derivationRoots, outputRoots } from '../domain/root-owners.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { SettingsOf } from '../ports/settings.ts';
import type { SourceCheckout } from '../ports/source-checkout.ts';
import type { Dispatcher } from './dispatch-steps.ts';

export interface RecoverPorts {
  readonly evaluations: EvaluationStore;
  readonly jobs: JobStore;
  readonly checkout: SourceCheckout;
  readonly roots: GcRoots;
  readonly dispatcher: Dispatcher;
  /** Builders that end with this program: what they had is lost. */
  readonly ownBuilders: readonly string[];
  readonly settingsOf: SettingsOf;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Takes up, at the start, what the last run of the program left: evaluations that were under way are evaluated again,
 * builds of this host that were under way are queued again (outputs that are there are not built twice), those of others
 * are waited for, work of repositories that left the configuration is cancelled, and what a crash left on disk is
 * removed. It does not wait until the dispatcher knows everything: pages and commands need not.
 */
export async function recover(ports: RecoverPorts): Promise<void> {
  const { evaluations, jobs, checkout, roots, dispatcher, settingsOf, clock, log } = ports;
  const lostLeases = await jobs.loseLeases(clock.now(), ports.ownBuilders);
  for (const { id } of evaluations.living(['evaluating'])) {
    await evaluations.requeue(id, null);
  }
  await checkout.sweep(new Set());
  for (const { id, repositoryId } of evaluations.living(['awaiting_approval', 'queued', 'building'])) {
    if (settingsOf(repositoryId) === undefined) {
      await evaluations.end(id, 'cancelled', LEFT_CONFIGURATION, clock.now());
    }
  }
  const building = evaluations.living(['building']);
  await sweepRoots(
    roots,
    evaluations,
    building.map(({ id }) => id),
  );
  void dispatcher.start(building.map(({ id }) => id));
  if (lostLeases > 0 || building.length > 0) {
    log.info({ lostLeases, building: building.length }, 'took up the work of the last run');
  }
}

/** Outputs of ended evaluations stay rooted; only the derivations of those that still build do. */
async function sweepRoots(
  roots: GcRoots,
  evaluations: EvaluationStore,
  building: readonly EvaluationId[],
): Promise<void> {
  const derivations = new Set(building.map(derivationRoots));
  await roots.sweep((owner) => {
    const id = toEvaluationId(Number(/^eval-(\d+)-/.exec(owner)?.[1]));
    return derivations.has(owner) || (owner === outputRoots(id) && evaluations.find(id) !== undefined);
  });
}
