/** Steps, jobs and builders for whoever tries out the queue. */
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuilderOffer } from '../src/domain/builder-offer.ts';
import type { Claim } from '../src/domain/queue/claims.ts';
import type { SchedulerRules } from '../src/domain/queue/scheduler.ts';
import type { GraphJob, PlannedDerivation } from '../src/domain/queue/step.ts';

export const RULES: SchedulerRules = {
  weightOf: () => 1,
  allowsUnsandboxedUntrusted: false,
  builderWaitMs: 100_000,
  spillGraceMs: 30_000,
  quarantineMs: 10_000,
};

const OFFER: BuilderOffer = {
  systems: ['x86_64-linux'],
  emulatedSystems: [],
  features: [],
  mandatoryFeatures: [],
  isSandboxed: true,
  slots: 1,
  speedFactor: 1,
};

export function offered(offer: Partial<BuilderOffer> = {}): BuilderOffer {
  return { ...OFFER, ...offer };
}

export function queuedDrv(name: string): DerivationPath {
  return `/nix/store/00000000000000000000000000000000-${name}.drv` as DerivationPath;
}

/** The name of what `queuedDrv` made. */
export function nameOf({ drvPath }: { readonly drvPath: DerivationPath }): string {
  return drvPath.slice(drvPath.indexOf('-') + 1, -'.drv'.length);
}

export function namesOf(steps: Iterable<{ readonly drvPath: DerivationPath }>): readonly string[] {
  return [...steps].map(nameOf).toSorted();
}

interface JobTraits {
  readonly evaluation?: number;
  readonly attempt?: number;
  readonly bumpedAt?: number;
  readonly repository?: number;
  readonly rank?: Claim['rank'];
  readonly isTrusted?: boolean;
}

export function queuedJob(id: number, name: string, traits: JobTraits = {}): GraphJob {
  const { evaluation = 1, attempt = 1, bumpedAt, repository = 1, rank = 0, isTrusted = true } = traits;
  return {
    jobId: id as JobId,
    attempt,
    evaluationId: evaluation as EvaluationId,
    attr: `packages.${name}`,
    system: 'x86_64-linux',
    drvPath: queuedDrv(name),
    claim: { repositoryId: repository as RepositoryId, rank, isTrusted },
    bumpedAt: bumpedAt === undefined ? null : (bumpedAt as EpochMs),
    outputs: [],
    wasDispatched: false,
  };
}

export function planned(
  name: string,
  inputs: readonly string[] = [],
  traits: Partial<Omit<PlannedDerivation, 'drvPath' | 'inputs'>> = {},
): PlannedDerivation {
  return {
    drvPath: queuedDrv(name),
    system: 'x86_64-linux',
    requiredFeatures: [],
    expectedMs: 1_000,
    ...traits,
    inputs: inputs.map(queuedDrv),
  };
}
