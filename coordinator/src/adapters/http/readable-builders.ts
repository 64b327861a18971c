/** Builders as one reader may see them: of what a builder does for others, only that a slot is taken. */
import type { BuilderView, RunningStep } from '@argunix/shared/control-api/views';
import type { BuilderState } from '../../domain/queue-snapshot.ts';
import type { Queue } from '../../ports/queue.ts';
import { toTime, toTimeOrNull, type VisibleSteps } from './visible-steps.ts';

export function readBuilders(
  queue: Queue,
  visible: VisibleSteps,
  nixVersionOf: (builder: string) => string | null,
): readonly BuilderView[] {
  const running = Map.groupBy(visible.running(queue.snapshot(0).running), ({ builder }) => builder);
  return queue.builders().map((state) => ({
    ...toBuilderView(state, running.get(state.name) ?? []),
    nix_version: nixVersionOf(state.name),
    quarantine: quarantineOf(state, visible),
  }));
}

function toBuilderView(
  { name, state, offer, slotsUsed, isExpectedOffline, leftAt }: BuilderState,
  running: readonly RunningStep[],
): Omit<BuilderView, 'nix_version' | 'quarantine'> {
  return {
    name,
    state,
    systems: [...offer.systems],
    emulated_systems: [...offer.emulatedSystems],
    features: [...offer.features],
    mandatory_features: [...offer.mandatoryFeatures],
    speed_factor: offer.speedFactor,
    slots: offer.slots,
    slots_used: slotsUsed,
    sandboxed: offer.isSandboxed,
    expected_offline: isExpectedOffline,
    absent_since: toTimeOrNull(leftAt),
    current: running
      .filter(({ internal }) => !internal)
      .flatMap(({ jobs, started_at }) =>
        jobs.map(({ id, eval_id, attr, repo }) => ({ job_id: id, eval_id, attr, repo, started_at })),
      ),
    internal_steps: running.filter(({ internal }) => internal),
  };
}

/** The trouble of a host can name what it had: paths are for those who may see everything. */
function quarantineOf({ quarantine }: BuilderState, { readsAll }: VisibleSteps): BuilderView['quarantine'] {
  return quarantine === null
    ? null
    : {
        since: toTime(quarantine.since),
        until: toTime(quarantine.until),
        failures: quarantine.failures,
        reason: readsAll ? quarantine.reason : quarantine.reason.replaceAll(STORE_PATH, 'a store path'),
      };
}

const STORE_PATH = /\/nix\/store\/[0-9A-Za-z+\-._?=]*/g;
