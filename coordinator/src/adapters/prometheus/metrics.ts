/**
 * What Prometheus reads. Counters are told by flows as things happen; gauges are read when the metrics are asked for.
 * No label has values that a stranger could make up: systems and forges outside the configuration count as `other`.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueLine } from '../../domain/queue-snapshot.ts';
import type { Backlog } from '../../ports/check-store.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Queue } from '../../ports/queue.ts';
import type { ViewTotals } from '../../ports/views.ts';

/** Each is called once for every answer and must be quick. */
export interface Readings {
  readonly totals: () => ViewTotals;
  readonly queue: () => Pick<Queue, 'snapshot' | 'builders'>;
  readonly now: () => number;
  readonly deliveriesPending: () => number;
  /** What forges are still to be told. */
  readonly backlog: () => readonly Backlog[];
  readonly forges: () => readonly { readonly forge: string; readonly isPaused: boolean }[];
  /** Of each enrolled builder that is connected: how long nothing was heard of it. */
  readonly silences: () => ReadonlyMap<string, number>;
  readonly databaseBytes: () => { readonly main: number; readonly wal: number };
}

export interface PrometheusMetrics extends Metrics {
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

// From a cached evaluation to one of the whole of nixpkgs; from a trivial derivation to Chromium.
const DURATION_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];
const DECISION_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5];

export function createPrometheusMetrics(options: {
  readonly readings: Readings;
  /** The systems that have a label of their own. */
  readonly systems: () => readonly string[];
  readonly forges: () => readonly string[];
}): PrometheusMetrics {
  const { readings } = options;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'argunix_' });

  const forgeLabel = (forge: string): string => (options.forges().includes(forge) ? forge : 'other');
  const webhooks = new Counter({
    name: 'argunix_webhooks_total',
    help: 'Webhook requests by forge and what became of them.',
    labelNames: ['forge', 'outcome'],
    registers,
  });
  const forgeRequests = new Counter({
    name: 'argunix_forge_requests_total',
    help: 'Requests to forges and what came of them: ok, 4xx, unauthorized, rate_limited, 5xx or unreachable.',
    labelNames: ['forge', 'outcome'],
    registers,
  });
  const evaluationsEnded = new Counter({
    name: 'argunix_evaluations_ended_total',
    help: 'Evaluations that ended, by status; done ones by outcome too.',
    labelNames: ['status', 'outcome'],
    registers,
  });
  const evaluationDuration = new Histogram({
    name: 'argunix_evaluation_duration_seconds',
    help: 'How long evaluations took, from the push to the end of their last job.',
    labelNames: ['status'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const jobsEnded = new Counter({
    name: 'argunix_jobs_ended_total',
    help: 'Attempts of jobs that ended, by status and system.',
    labelNames: ['status', 'system'],
    registers,
  });
  const buildDuration = new Histogram({
    name: 'argunix_build_duration_seconds',
    help: 'How long builders ran, by system; what was cached is not counted.',
    labelNames: ['system'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const dispatchDecision = new Histogram({
    name: 'argunix_dispatch_decision_seconds',
    help: 'How long it takes to decide which job goes to which builder.',
    buckets: DECISION_BUCKETS,
    registers,
  });
  const carriedBytes = new Counter({
    name: 'argunix_transfer_bytes_total',
    help: 'Bytes of closures that went to builders (push) and came back (pull).',
    labelNames: ['direction'],
    registers,
  });
  const carriedSeconds = new Counter({
    name: 'argunix_transfer_seconds_total',
    help: 'How long closures were on their way to builders (push) and back (pull).',
    labelNames: ['direction'],
    registers,
  });
  addReadGauges(registry, readings, systemLabel);

  function systemLabel(system: string): string {
    return options.systems().includes(system) ? system : 'other';
  }

  return {
    forgeAsked(forge, outcome) {
      forgeRequests.inc({ forge: forgeLabel(forge), outcome: outcomeOf(outcome) });
    },
    webhookReceived(forge, outcome) {
      webhooks.inc({ forge: forgeLabel(forge), outcome });
    },
    evaluationEnded(status, outcome, totalMs) {
      evaluationsEnded.inc({ status, outcome: outcome ?? 'none' });
      evaluationDuration.observe({ status }, totalMs / 1000);
    },
    jobEnded(status, system) {
      jobsEnded.inc({ status, system: systemLabel(system) });
    },
    buildEnded(system, durationMs) {
      buildDuration.observe({ system: systemLabel(system) }, durationMs / 1000);
    },
    closureCarried(direction, { bytes, tookMs }) {
      carriedBytes.inc({ direction }, bytes);
      carriedSeconds.inc({ direction }, tookMs / 1000);
    },
    dispatchDecided(durationMs) {
      dispatchDecision.observe(durationMs / 1000);
    },
    async render() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

function addReadGauges(
  registry: Registry,
  readings: Readings,
  systemLabel: (system: string) => string,
): void {
  function gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (set: (labels: Readonly<Record<string, string>>, value: number) => void) => void,
  ): void {
    const made: Gauge = new Gauge({
      name: `argunix_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        made.reset();
        // Systems outside the configuration share a label, so they add up.
        read((labels, value) => made.inc(labels, value));
      },
    });
  }

  gauge('evaluations', 'Evaluations that have not ended, by state.', ['state'], (set) => {
    for (const [state, count] of Object.entries(readings.totals().evaluations)) {
      set({ state }, count);
    }
  });
  gauge('jobs', 'Jobs that have not ended, by state.', ['state'], (set) => {
    for (const [state, count] of Object.entries(readings.totals().jobs)) {
      set({ state }, count);
    }
  });
  gauge('queue_depth', 'Derivations that could be built now, by system.', ['system'], (set) => {
    for (const { system, ready } of readings.queue().snapshot(0).lines) {
      set({ system: systemLabel(system) }, ready);
    }
  });
  gauge(
    'queue_oldest_age_seconds',
    'How long the oldest derivation that could be built waits for a builder, by system.',
    ['system'],
    (set) => {
      for (const [system, since] of oldestBySystem(readings.queue().snapshot(0).lines, systemLabel)) {
        set({ system }, Math.max(0, (readings.now() - since) / 1000));
      }
    },
  );
  gauge(
    'queue_steps',
    'Derivations that are to be built: ready for a builder, waiting for another, or running.',
    ['state'],
    (set) => {
      const { ready, waiting, running } = readings.queue().snapshot(0).counts;
      set({ state: 'ready' }, ready);
      set({ state: 'waiting' }, waiting);
      set({ state: 'running' }, running);
    },
  );
  gauge('deliveries_pending', 'Deliveries that are stored and not handled yet.', [], (set) =>
    set({}, readings.deliveriesPending()),
  );
  gauge(
    'builder_slots',
    'Slots of the builders that are there, by whether they are in use.',
    ['state'],
    (set) => {
      for (const { state, offer, slotsUsed } of readings.queue().builders()) {
        if (state !== 'absent') {
          set({ state: 'used' }, slotsUsed);
          set({ state: 'free' }, Math.max(0, offer.slots - slotsUsed));
        }
      }
    },
  );
  gauge(
    'builders',
    'Builders by state: ready, quarantined after trouble of their own, absent.',
    ['state'],
    (set) => {
      for (const state of ['ready', 'quarantined', 'absent']) {
        set(
          { state },
          readings
            .queue()
            .builders()
            .filter((one) => one.state === state).length,
        );
      }
    },
  );
  gauge(
    'builder_heartbeat_age_seconds',
    'Since when nothing was heard of a builder that is connected.',
    ['builder'],
    (set) => {
      for (const [builder, ms] of readings.silences()) {
        set({ builder }, ms / 1_000);
      }
    },
  );
  gauge('checks_pending', 'What forges are still to be told, by forge.', ['forge'], (set) => {
    for (const { forge, count } of readings.backlog()) {
      set({ forge }, count);
    }
  });
  gauge('checks_oldest_age_seconds', 'How long the oldest of it waits, by forge.', ['forge'], (set) => {
    for (const { forge, oldestAt } of readings.backlog()) {
      set({ forge }, Math.max(0, (readings.now() - oldestAt) / 1000));
    }
  });
  gauge('forge_paused', '1 for a forge that refuses our credential.', ['forge'], (set) => {
    for (const { forge, isPaused } of readings.forges()) {
      set({ forge }, isPaused ? 1 : 0);
    }
  });
  gauge('sqlite_bytes', 'Size of the database and of its write-ahead log.', ['file'], (set) => {
    const { main, wal } = readings.databaseBytes();
    set({ file: 'main' }, main);
    set({ file: 'wal' }, wal);
  });
}

function oldestBySystem(
  lines: readonly QueueLine[],
  systemLabel: (system: string) => string,
): ReadonlyMap<string, number> {
  const oldest = new Map<string, number>();
  for (const { system, oldestReadySince } of lines) {
    const label = systemLabel(system);
    oldest.set(label, Math.min(oldest.get(label) ?? Infinity, oldestReadySince));
  }
  return oldest;
}

function outcomeOf(outcome: number | 'unreachable'): string {
  if (outcome === 'unreachable') {
    return outcome;
  }
  if (outcome === 401) {
    return 'unauthorized';
  }
  if (outcome === 429) {
    return 'rate_limited';
  }
  return outcome < 400 ? 'ok' : `${Math.floor(outcome / 100)}xx`;
}
