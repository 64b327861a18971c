import type { EvaluationId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import { ALREADY_BUILT } from '../domain/already-built.ts';
import { derivationRoots, outputRoots } from '../domain/root-owners.ts';
import type { Changes } from '../ports/changes.ts';
import type { Found, FoundJob } from '../ports/evaluator.ts';
import type { GcRoots } from '../ports/gc-roots.ts';
import type { JobStore, NewJob } from '../ports/job-store.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { StoreReader } from '../ports/store-reader.ts';

export interface FoundPorts {
  readonly jobs: JobStore;
  readonly roots: GcRoots;
  readonly store: StoreReader;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'jobEnded'>;
}

/**
 * Stores what an evaluator found: rooted first, then asked about. A job whose outputs are all there ends as cached
 * here, in bulk; an attribute that did not evaluate ends as a failure with Nix's message.
 */
export async function storeFoundJobs(
  ports: FoundPorts,
  evaluationId: EvaluationId,
  found: readonly Found[],
): Promise<void> {
  const { jobs, roots, store, changes, clock, metrics } = ports;
  const sound = found.filter((item) => item.kind === 'job');
  const derivations = sound.map(({ drvPath }) => drvPath);
  await roots.add(derivationRoots(evaluationId), derivations);
  const valid = await store.validPaths([...derivations, ...sound.flatMap(outputPaths)]);
  const gone = derivations.find((drvPath) => !valid.has(drvPath));
  if (gone !== undefined) {
    throw new AppError('nix.failed', `${gone} was collected while it was evaluated; it is evaluated again`, {
      gone,
    });
  }
  const cached = new Set(sound.filter((job) => isBuilt(job, valid)));
  await roots.add(outputRoots(evaluationId), [...cached].flatMap(outputPaths));
  const rows = found.map((item) => (item.kind === 'job' ? toJob(item, cached.has(item)) : toBrokenJob(item)));
  if (await jobs.insert(evaluationId, rows, clock.now())) {
    for (const { status, system } of rows) {
      if (status !== 'queued') {
        metrics.jobEnded(status, system);
      }
    }
    changes.tell({ kind: 'evaluation', evaluationId });
  }
}

export function outputPaths(job: { readonly outputs: FoundJob['outputs'] }): readonly string[] {
  return Object.values(job.outputs).filter((path) => path !== null);
}

/** Whether all its outputs are there. */
export function isBuilt(job: { readonly outputs: FoundJob['outputs'] }, valid: ReadonlySet<string>): boolean {
  const paths = Object.values(job.outputs);
  return paths.length > 0 && paths.every((path) => path !== null && valid.has(path));
}

function toJob(job: FoundJob, isAlreadyThere: boolean): NewJob {
  return {
    attr: job.attr,
    system: job.system,
    name: job.name,
    drvPath: job.drvPath,
    outputs: job.outputs,
    requiredFeatures: job.requiredFeatures,
    description: job.description,
    mainProgram: job.mainProgram,
    status: isAlreadyThere ? 'cached' : 'queued',
    reason: isAlreadyThere ? `${storePathName(job.drvPath)}${ALREADY_BUILT}` : null,
  };
}

function toBrokenJob(broken: Extract<Found, { kind: 'broken' }>): NewJob {
  return {
    attr: broken.attr,
    system: broken.system ?? 'unknown',
    name: broken.attr,
    drvPath: null,
    outputs: {},
    requiredFeatures: [],
    description: null,
    mainProgram: null,
    status: 'failure',
    reason: broken.message,
  };
}
