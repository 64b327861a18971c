/**
 * What a file that was read again changes: what holds at once, and what only a restart can bring. Sockets, directories
 * and what is made once at the start stay as they are, so the same difference is told again until there is a restart.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Configuration, ForgeSettings } from './configuration.ts';
import { type AnyRepositorySettings, describeRepositoryChanges } from './describe-repository-changes.ts';
import type { SocketAddress } from './socket-address.ts';

export interface ConfigurationChange {
  /** What holds from now on. */
  readonly configuration: Configuration;
  /** Sentences. No secret is in them: a configuration holds only where secrets are. */
  readonly applied: readonly string[];
  readonly needsRestart: readonly string[];
}

/** A key of the file as a person reads it. */
interface Row {
  readonly key: string;
  readonly of: (configuration: Configuration) => unknown;
}

const UNTIL_RESTART: readonly Row[] = [
  { key: 'external_url', of: ({ externalUrl }) => externalUrl },
  { key: 'listen', of: ({ listen }) => addressText(listen) },
  { key: 'state_dir', of: ({ stateDir }) => stateDir },
  { key: 'control_socket', of: ({ controlSocketPath }) => controlSocketPath },
  { key: 'dry_run', of: ({ isDryRun }) => isDryRun },
  { key: 'trusted_proxies', of: ({ trustedProxies }) => trustedProxies },
  { key: 'eval.evaluator', of: ({ evaluator }) => evaluator ?? 'auto' },
  { key: 'local_builds', of: ({ localBuilds }) => localBuilds },
  // Turning local_builds off or on changes them too, which needs no sentence of its own.
  { key: 'local_builders', of: ({ localBuilds, localBuilders }) => localBuilds && localBuilders },
  {
    key: 'builder_enrollment.listen',
    of: ({ enrollment }) => (enrollment === null ? 'nowhere' : addressText(enrollment.listen)),
  },
  {
    key: 'builder_enrollment.heartbeat_seconds',
    of: ({ enrollment }) => enrollment && enrollment.heartbeatMs / 1000,
  },
];

const AT_ONCE: readonly Row[] = [
  { key: 'systems', of: ({ areSystemsOpen, systems }) => (areSystemsOpen ? 'those of builders' : systems) },
  { key: 'schedule.webhook_coalesce_seconds', of: ({ schedule }) => schedule.coalesceMs / 1000 },
  { key: 'schedule.catch_up_seconds', of: ({ schedule }) => schedule.catchUpMs / 1000 },
  {
    key: 'schedule.awaiting_approval_days',
    of: ({ schedule }) => schedule.awaitingApprovalMs / 86_400_000,
  },
  { key: 'schedule.eval_concurrency', of: ({ schedule }) => schedule.evaluationConcurrency },
  { key: 'schedule.build_timeout_seconds', of: ({ schedule }) => schedule.buildTimeoutMs / 1000 },
  { key: 'schedule.max_silent_seconds', of: ({ schedule }) => schedule.maxSilentMs / 1000 },
  { key: 'schedule.max_log_size', of: ({ schedule }) => schedule.maxLogBytes },
  { key: 'schedule.builder_wait_seconds', of: ({ schedule }) => schedule.builderWaitMs / 1000 },
  {
    key: 'schedule.emulation_spill_grace_seconds',
    of: ({ schedule }) => schedule.emulationSpillGraceMs / 1000,
  },
  { key: 'schedule.infrastructure_retries', of: ({ schedule }) => schedule.infrastructureRetries },
  {
    key: 'schedule.infrastructure_retry_seconds',
    of: ({ schedule }) => schedule.infrastructureRetryMs / 1000,
  },
  { key: 'schedule.failure_cache_hours', of: ({ schedule }) => schedule.failureCacheMs / 3_600_000 },
  { key: 'eval.memory_budget', of: ({ schedule }) => schedule.evaluationBudgetBytes },
  { key: 'allow_unsandboxed_untrusted', of: (configuration) => configuration.allowUnsandboxedUntrusted },
  { key: 'builders.*.expect_offline', of: ({ buildersExpectedOffline }) => buildersExpectedOffline },
  { key: 'builder_enrollment.token_path', of: ({ enrollment }) => enrollment && enrollment.tokenPath },
  { key: 'metrics.token_path', of: ({ metricsTokenPath }) => metricsTokenPath },
];

/** Keys that are checked and do nothing yet; the warnings of the file say that of each. */
const WITHOUT_EFFECT: readonly Row[] = [
  { key: 'retention', of: ({ retention }) => retention },
  { key: 'binary_caches', of: ({ caches }) => caches },
  { key: 'serve_cache', of: ({ servedCache }) => servedCache },
  { key: 'registries', of: ({ registries }) => registries },
  { key: 'schedule.build_concurrency', of: ({ schedule }) => schedule.transferConcurrency },
];

export function compareConfigurations(now: Configuration, file: Configuration): ConfigurationChange {
  const configuration = keepUntilRestart(now, file);
  const differing = (rows: readonly Row[], other: Configuration): readonly Row[] =>
    rows.filter(({ of }) => !isDeepStrictEqual(of(now), of(other)));
  return {
    configuration,
    applied: [
      ...describeRepositoryChanges(repositories(now), repositories(file)),
      ...describeForgeChanges(now.forges, file.forges),
      ...differing(AT_ONCE, configuration).map(
        ({ key, of }) => `${key} is ${textOf(of(configuration))} now, and was ${textOf(of(now))}.`,
      ),
      ...differing(WITHOUT_EFFECT, configuration).map(
        ({ key }) => `${key} changed, which has no effect in this version.`,
      ),
    ],
    needsRestart: differing(UNTIL_RESTART, file).map(
      ({ key, of }) => `needs a restart: ${key} (now ${textOf(of(now))}, the file says ${textOf(of(file))})`,
    ),
  };
}

/** Each key of the type has its place here: a new one does not compile before it is decided what becomes of it. */
function keepUntilRestart(now: Configuration, file: Configuration): Configuration {
  const kept = {
    externalUrl: now.externalUrl,
    listen: now.listen,
    stateDir: now.stateDir,
    controlSocketPath: now.controlSocketPath,
    trustedProxies: now.trustedProxies,
    evaluator: now.evaluator,
    localBuilds: now.localBuilds,
    isDryRun: now.isDryRun,
    localBuilders: now.localBuilders,
    // Builders dial in to what was opened at the start, or to nothing; who may join is asked each time.
    enrollment:
      now.enrollment === null
        ? null
        : { ...now.enrollment, tokenPath: file.enrollment === null ? null : file.enrollment.tokenPath },
  };
  const taken = {
    systems: file.systems,
    areSystemsOpen: file.areSystemsOpen,
    schedule: file.schedule,
    allowUnsandboxedUntrusted: file.allowUnsandboxedUntrusted,
    buildersExpectedOffline: file.buildersExpectedOffline,
    metricsTokenPath: file.metricsTokenPath,
    forges: file.forges,
    retention: file.retention,
    caches: file.caches,
    servedCache: file.servedCache,
    registries: file.registries,
  };
  return { ...kept, ...taken };
}

function repositories({ forges }: Configuration): readonly AnyRepositorySettings[] {
  return forges.flatMap((forge): readonly AnyRepositorySettings[] => forge.repositories);
}

/** Beside its repositories. */
function describeForgeChanges(
  now: readonly ForgeSettings[],
  file: readonly ForgeSettings[],
): readonly string[] {
  const before = new Map(now.map((forge) => [forge.name, forge]));
  return file.flatMap(({ repositories: _after, ...forge }) => {
    const known = before.get(forge.name);
    if (known === undefined) {
      return [];
    }
    const { repositories: _before, ...old } = known;
    return isDeepStrictEqual(old, forge)
      ? []
      : [`${forge.name} is opened anew: its kind, address or credential changed.`];
  });
}

function addressText({ host, port }: SocketAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function textOf(value: unknown): string {
  if (value === null) {
    return 'not set';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
