/**
 * Builders as one reader may see them: those that the queue reckons with, and those that are enrolled besides (revoked,
 * or never there). Strangers see of a builder its name, its state and what it can do; of what it does for others, only
 * that a slot is taken.
 */
import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import type { RunningStep } from '@argunix/shared/control-api/views';
import type { Pause } from '@argunix/shared/protocol/capabilities';
import type { BuilderOffer } from '../../domain/builder-offer.ts';
import type { BuilderState } from '../../domain/queue-snapshot.ts';
import type { Presence } from '../../ports/builder-presence.ts';
import type { EnrolledBuilder } from '../../ports/builder-store.ts';
import type { Queue } from '../../ports/queue.ts';
import { keyFingerprint } from './builder-door.ts';
import type { BuilderSources } from './builder-sources.ts';
import { readTransfers } from './readable-transfers.ts';
import { toTime, toTimeOrNull, type VisibleSteps } from './visible-steps.ts';

export interface ReadBuildersSources {
  readonly queue: Queue;
  readonly builders: BuilderSources;
  /** Null for a builder that is not there. */
  readonly nixVersionOf: (builder: string) => string | null;
  readonly isOperator: boolean;
  readonly now: () => number;
}

/** One builder, as far as each of those who know something of it knows it. */
interface Known {
  readonly state: BuilderState;
  readonly enrolled: EnrolledBuilder | undefined;
  readonly presence: Presence | undefined;
}

export function readBuilders(sources: ReadBuildersSources, visible: VisibleSteps): readonly BuilderView[] {
  const { queue, nixVersionOf } = sources;
  const running = visible.running(queue.snapshot(0).running);
  const runningOn = Map.groupBy(running, ({ builder }) => builder);
  return knownBuilders(sources).map((known) => {
    const { state, enrolled, presence } = known;
    return {
      ...whatItCan(state),
      ...whatItDoes(runningOn.get(state.name) ?? []),
      state: stateOf(known),
      slots_used: state.slotsUsed,
      nix_version: nixVersionOf(state.name) ?? enrolled?.nixVersion ?? null,
      expected_offline: state.isExpectedOffline,
      ...itsTimes(known),
      ...forOperators(known, sources),
      paused: pauseOf(known, sources.isOperator),
      quarantine: quarantineOf(state, visible),
      transfers: readTransfers(presence?.transfers ?? [], running, visible.readsAll),
    };
  });
}

function knownBuilders({ queue, builders }: ReadBuildersSources): readonly Known[] {
  const enrolled = new Map(builders.enrolled().map((one) => [one.name, one]));
  const roster = queue.builders();
  const listed = roster.map((state) => ({
    state,
    enrolled: enrolled.get(state.name),
    presence: builders.presence.of(state.name),
  }));
  for (const { name } of roster) {
    enrolled.delete(name);
  }
  return [...listed, ...[...enrolled.values()].map((one) => unlisted(one, builders.presence.of(one.name)))];
}

const NO_OFFER: BuilderOffer = {
  systems: [],
  emulatedSystems: [],
  features: [],
  mandatoryFeatures: [],
  isSandboxed: false,
  slots: 0,
  speedFactor: 1,
};

/** The queue does not reckon with it. */
function unlisted(enrolled: EnrolledBuilder, presence: Presence | undefined): Known {
  return {
    state: {
      name: enrolled.name,
      offer: enrolled.offer ?? NO_OFFER,
      state: presence?.isConnected === true ? 'ready' : 'absent',
      slotsUsed: 0,
      isExpectedOffline: false,
      pause: null,
      leftAt: null,
      quarantine: null,
    },
    enrolled,
    presence,
  };
}

/** What lasts longest, and what only a person can change, comes first. */
function stateOf({ state: { state }, enrolled, presence }: Known): BuilderView['state'] {
  if (enrolled !== undefined && enrolled.revokedAt !== null) {
    return 'revoked';
  }
  const isPaused = (presence?.pause ?? enrolled?.drainedAt ?? null) !== null;
  return isPaused && state !== 'absent' ? 'paused' : state;
}

function whatItCan({
  name,
  offer,
}: BuilderState): Pick<
  BuilderView,
  | 'name'
  | 'systems'
  | 'emulated_systems'
  | 'features'
  | 'mandatory_features'
  | 'speed_factor'
  | 'slots'
  | 'sandboxed'
> {
  return {
    name,
    systems: [...offer.systems],
    emulated_systems: [...offer.emulatedSystems],
    features: [...offer.features],
    mandatory_features: [...offer.mandatoryFeatures],
    speed_factor: offer.speedFactor,
    slots: offer.slots,
    sandboxed: offer.isSandboxed,
  };
}

function whatItDoes(running: readonly RunningStep[]): Pick<BuilderView, 'current' | 'internal_steps'> {
  return {
    current: running
      .filter(({ internal }) => !internal)
      .flatMap(({ jobs, started_at }) =>
        jobs.map(({ id, eval_id, attr, repo }) => ({ job_id: id, eval_id, attr, repo, started_at })),
      ),
    internal_steps: running.filter(({ internal }) => internal),
  };
}

function itsTimes(
  known: Known,
): Pick<BuilderView, 'connected_since' | 'absent_since' | 'last_seen_at' | 'drained_at' | 'revoked_at'> {
  const { state, enrolled, presence } = known;
  const isConnected = presence?.isConnected === true;
  const lostAt = isConnected ? null : (presence?.since ?? null);
  const seenAt = [presence?.heardAt ?? null, enrolled?.lastSeenAt ?? null].filter((at) => at !== null);
  return {
    connected_since: toTimeOrNull(isConnected ? presence.since : null),
    absent_since:
      stateOf(known) === 'absent'
        ? toTimeOrNull(state.leftAt ?? lostAt ?? enrolled?.lastSeenAt ?? null)
        : null,
    last_seen_at: toTimeOrNull(seenAt.toSorted((one, other) => other - one)[0] ?? null),
    drained_at: toTimeOrNull(enrolled?.drainedAt ?? null),
    revoked_at: toTimeOrNull(enrolled?.revokedAt ?? null),
  };
}

function forOperators(
  { enrolled, presence }: Known,
  { isOperator, now }: ReadBuildersSources,
): Pick<
  BuilderView,
  'enrolled' | 'loss_reason' | 'agent_version' | 'round_trip_ms' | 'heartbeat_age_ms' | 'stats'
> {
  const shown = isOperator ? presence : undefined;
  // How it was before it left says nothing about how it is.
  const live = shown?.isConnected === true ? shown : undefined;
  const heardAt = live?.heardAt ?? null;
  return {
    enrolled:
      enrolled === undefined
        ? null
        : {
            at: toTime(enrolled.enrolledAt),
            by: enrolled.enrolledBy,
            key_fingerprint: isOperator ? keyFingerprint(enrolled.publicKey) : null,
          },
    loss_reason: shown?.isConnected === false ? shown.lossReason : null,
    agent_version: shown?.agentVersion ?? null,
    round_trip_ms: live?.roundTripMs ?? null,
    heartbeat_age_ms: heardAt === null ? null : Math.max(0, Math.round(now() - heardAt)),
    stats: live?.stats ?? null,
  };
}

const USUAL_REASONS: Readonly<Record<Pause['why'], string>> = {
  drained: 'It is drained: it finishes what it has and gets nothing new.',
  stopping: 'Its agent is stopping: it finishes what it has.',
  low_disk: 'Its disk is nearly full.',
};

/** What its agent says about it can name paths and sizes of its host. */
function pauseOf({ enrolled, presence }: Known, isOperator: boolean): Pause | null {
  const why =
    presence?.pause?.why ?? (enrolled !== undefined && enrolled.drainedAt !== null ? 'drained' : null);
  return why === null
    ? null
    : { why, reason: (isOperator ? presence?.pause?.reason : undefined) ?? USUAL_REASONS[why] };
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
