/**
 * What Prometheus reads. Counters are told as things happen; gauges are read when the metrics are asked for. No label
 * has values that a stranger could make up: a system that no builder has counts as `other`.
 */
import type { BuilderView } from '@argunix/shared/control-api/views';
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { Changes } from '../../ports/changes.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Views } from '../../ports/views.ts';
import { countChanges } from './count-changes.ts';
import { addReadGauges } from './read-gauges.ts';

export interface MetricsOptions {
  readonly views: Views;
  readonly changes: Changes;
  readonly databasePath: string;
  readonly builders: () => readonly BuilderView[];
}

export interface PrometheusMetrics extends Metrics {
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

// From a cached evaluation to one of the whole of nixpkgs; from a trivial derivation to Chromium.
const DURATION_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];
const DECISION_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5];

export function createMetrics(options: MetricsOptions): PrometheusMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'argunix_' });

  const webhooks = new Counter({
    name: 'argunix_webhooks_total',
    help: 'Webhook requests by forge and what became of them.',
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
    help: 'How long evaluations took: the evaluating alone, and all until the last job ended.',
    labelNames: ['part'],
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
  addReadGauges(registry, options, systemLabel);

  function systemLabel(system: string): string {
    return options.builders().some(({ systems }) => systems.includes(system)) ? system : 'other';
  }

  const metrics: PrometheusMetrics = {
    webhookReceived(forge, outcome) {
      webhooks.inc({ forge, outcome });
    },
    evaluationEnded(status, outcome, durationMs) {
      evaluationsEnded.inc({ status, outcome: outcome ?? 'none' });
      evaluationDuration.observe({ part: 'evaluating' }, durationMs.evaluating / 1000);
      evaluationDuration.observe({ part: 'total' }, durationMs.total / 1000);
    },
    jobEnded(status, system) {
      jobsEnded.inc({ status, system: systemLabel(system) });
    },
    buildEnded(system, durationMs) {
      buildDuration.observe({ system: systemLabel(system) }, durationMs / 1000);
    },
    dispatchDecided(durationMs) {
      dispatchDecision.observe(durationMs / 1000);
    },
    async render() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
  countChanges(options.changes, options.views, metrics);
  return metrics;
}
