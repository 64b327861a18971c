import { join, resolve } from 'node:path';
import { nameCaches } from './cache-name.ts';
import type {
  CacheSettings,
  Configuration,
  LocalBuilderSettings,
  RetentionSettings,
  ScheduleSettings,
} from './configuration.ts';
import { hostSystem } from './host-system.ts';
import type { ConfigurationDocument } from './schema/configuration-document.ts';
import type { RetentionSection } from './schema/retention.ts';
import { toForge } from './to-forge.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** What a checked document means. `workingDir` is where relative paths begin. */
export function toConfiguration(document: ConfigurationDocument, workingDir: string): Configuration {
  const file = (path: string): string => resolve(workingDir, path);
  const maybeFile = (path: string | undefined): string | null => (path === undefined ? null : file(path));
  const stateDir = file(document.state_dir);
  const { builder_enrollment: enrollment, serve_cache: serve } = document;
  return {
    externalUrl: document.external_url,
    listen: document.listen,
    stateDir,
    controlSocketPath: maybeFile(document.control_socket) ?? join(stateDir, 'control', 'argunix.sock'),
    systems: document.systems ?? [hostSystem()],
    areSystemsOpen: document.systems === undefined,
    isDryRun: document.dry_run,
    evaluator: document.eval.evaluator === 'auto' ? null : document.eval.evaluator,
    schedule: toSchedule(document),
    retention: toRetention(document.retention),
    localBuilds: document.local_builds,
    localBuilders: document.local_builds ? toLocalBuilders(document.local_builders) : [],
    allowUnsandboxedUntrusted: document.allow_unsandboxed_untrusted,
    trustedProxies: document.trusted_proxies,
    forges: Object.entries(document.forges).map(([name, forge]) => toForge(name, forge, document, file)),
    enrollment:
      enrollment === undefined
        ? null
        : {
            listen: enrollment.listen,
            tokenPath: maybeFile(enrollment.token_path),
            heartbeatMs: toMs(enrollment.heartbeat_seconds),
          },
    caches: toCaches(document.binary_caches, file),
    servedCache:
      serve.enabled && serve.signing_key_path !== undefined
        ? { signingKeyPath: file(serve.signing_key_path) }
        : null,
    registries: Object.entries(document.registries).map(([name, registry]) => ({
      name,
      url: registry.url,
      namespace: registry.namespace,
      authPath: maybeFile(registry.auth_path),
      isInsecure: registry.insecure,
    })),
    buildersExpectedOffline: Object.entries(document.builders).flatMap(([name, builder]) =>
      builder?.expect_offline === true ? [name] : [],
    ),
    metricsTokenPath: maybeFile(document.metrics.token_path),
  };
}

function toLocalBuilders(
  builders: ConfigurationDocument['local_builders'] = { local: null },
): readonly LocalBuilderSettings[] {
  return Object.entries(builders).map(([name, builder]) => ({
    name,
    slots: builder?.slots ?? null,
    systems: builder?.systems ?? null,
    features: builder?.features ?? null,
    mandatoryFeatures: builder?.mandatory_features ?? [],
    speedFactor: builder?.speed_factor ?? 1,
  }));
}

function toSchedule({ schedule, eval: evaluation }: ConfigurationDocument): ScheduleSettings {
  return {
    coalesceMs: toMs(schedule.webhook_coalesce_seconds),
    catchUpMs: toMs(schedule.catch_up_seconds),
    evaluationConcurrency: schedule.eval_concurrency,
    evaluationBudgetBytes: evaluation.memory_budget ?? schedule.eval_concurrency * evaluation.memory_max,
    transferConcurrency: schedule.build_concurrency,
    buildTimeoutMs: toMs(schedule.build_timeout_seconds),
    maxSilentMs: toMs(schedule.max_silent_seconds),
    maxLogBytes: schedule.max_log_size,
    builderWaitMs: toMs(schedule.builder_wait_seconds),
    awaitingApprovalMs: schedule.awaiting_approval_days * DAY_MS,
    emulationSpillGraceMs: toMs(schedule.emulation_spill_grace_seconds),
    infrastructureRetries: schedule.infrastructure_retries,
    infrastructureRetryMs: toMs(schedule.infrastructure_retry_seconds),
    failureCacheMs: schedule.failure_cache_hours * HOUR_MS,
  };
}

function toRetention(retention: RetentionSection): RetentionSettings {
  return {
    maxAgeMs: retention.max_age_days === null ? null : retention.max_age_days * DAY_MS,
    maxSizeBytes: retention.max_size_gb === null ? null : retention.max_size_gb * 1024 ** 3,
    keepLastGood: retention.keep_last_good,
    intervalMs: retention.interval_minutes * MINUTE_MS,
  };
}

function toCaches(
  caches: ConfigurationDocument['binary_caches'],
  file: (path: string) => string,
): readonly CacheSettings[] {
  const names = nameCaches(caches.map(({ name, push_url: pushUrl }) => ({ name, pushUrl })));
  return caches.map((cache, index) => ({
    name: names[index] ?? '',
    pushUrl: cache.push_url,
    publicUrl: cache.public_url ?? null,
    publicKey: cache.public_key ?? null,
    signingKeyPath: file(cache.signing_key_path),
    allowedRepositories: cache.allowed_repos,
    allowedBranches: cache.allowed_branches,
    takesRequests: cache.pull_requests,
  }));
}

function toMs(seconds: number): number {
  return Math.round(seconds * SECOND_MS);
}
