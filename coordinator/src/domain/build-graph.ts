/**
 * What waits for what. A step is a derivation that some job names; jobs with one derivation share its step, whatever
 * their evaluation. A step is
 *
 * - waiting, while it needs a step that is still there;
 * - ready, when nothing holds it: it stands in line, first come first served;
 * - taken, from `take` until `putBack`: a builder has it, or its next try waits;
 * - and gone, once no job wants it any more, which frees those that need it (Nix builds it inside them).
 *
 * Jobs leave by `forget`, whatever became of them. A taken step without jobs stays until it is put back: two builds of
 * one derivation at a time must not be. A job is known by its attempt: late news of an earlier one changes nothing.
 * Only this file changes the states; it does no I/O and knows no time.
 */
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { JobAttempt } from './job-attempt.ts';

export interface GraphJob extends JobAttempt {
  readonly evaluationId: EvaluationId;
  readonly attr: string;
  readonly system: string;
  readonly drvPath: DerivationPath;
  /** Store paths of its outputs, as far as they are known before it is built. */
  readonly outputs: readonly string[];
  /** A builder had this attempt before and was interrupted: outputs that are there now are its work. */
  readonly wasDispatched: boolean;
}

export interface FailedDependent {
  readonly job: GraphJob;
  /** The job of the same evaluation that failed, when there is one. */
  readonly cause: GraphJob | null;
  /** The derivation that failed. */
  readonly drvPath: DerivationPath;
}

interface Step {
  readonly drvPath: DerivationPath;
  readonly jobs: Map<JobId, GraphJob>;
  readonly needs: Set<Step>;
  readonly neededBy: Set<Step>;
  isTaken: boolean;
  spoiledCount: number;
}

export interface BuildGraph {
  /** Whether this very attempt is in it. */
  has(job: JobAttempt): boolean;
  /** Adds jobs, in place of earlier attempts; `needs` are derivations of other steps; of any other, nothing is known. */
  add(jobs: readonly (readonly [job: GraphJob, needs: readonly DerivationPath[]])[]): void;
  readonly readyCount: number;
  /** The first `count` of the line. */
  take(count: number): readonly DerivationPath[];
  /** Jobs that want a step now. */
  jobsOf(drvPath: DerivationPath): readonly GraphJob[];
  /** Jobs that cannot be had when this step fails; those of a step that is taken have an ending of their own coming. */
  lostWith(drvPath: DerivationPath): readonly FailedDependent[];
  /** One more try of it came to nothing through no fault of its own. Returns how many that makes while it is here. */
  countSpoiled(drvPath: DerivationPath): number;
  /** Not taken any more: back in line, or gone when nobody wants it. */
  putBack(drvPath: DerivationPath, options?: { readonly wasDispatched: boolean }): void;
  /** These want nothing any more. Returns the taken steps that nobody wants now: their builds may be stopped. */
  forget(jobs: readonly JobAttempt[]): readonly DerivationPath[];
  /** Jobs of the same evaluation that cannot be had without this one. */
  dependentsOf(jobId: JobId): readonly GraphJob[];
  derivationOf(jobId: JobId): DerivationPath | undefined;
  /** The step that holds this job back, when it waits for one. */
  heldBy(jobId: JobId): DerivationPath | undefined;
}

export function createBuildGraph(): BuildGraph {
  const steps = new Map<DerivationPath, Step>();
  const stepOfJob = new Map<JobId, Step>();
  const line = new Set<Step>();

  function stepFor(drvPath: DerivationPath): Step {
    let step = steps.get(drvPath);
    if (step === undefined) {
      step = {
        drvPath,
        jobs: new Map(),
        needs: new Set(),
        neededBy: new Set(),
        isTaken: false,
        spoiledCount: 0,
      };
      steps.set(drvPath, step);
    }
    return step;
  }
  function lineUp(step: Step): void {
    if (step.needs.size === 0 && !step.isTaken) {
      line.add(step);
    } else {
      line.delete(step);
    }
  }
  function removeUnwanted(step: Step): void {
    if (step.jobs.size > 0 || step.isTaken) {
      return;
    }
    steps.delete(step.drvPath);
    line.delete(step);
    for (const needed of step.needs) {
      needed.neededBy.delete(step);
    }
    for (const dependent of step.neededBy) {
      dependent.needs.delete(step);
      lineUp(dependent);
    }
  }
  /** Everything that waits for `step`, however far away. */
  function waitingFor(step: Step): ReadonlySet<Step> {
    const found = new Set<Step>();
    const open = [step];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const dependent of next.neededBy) {
        if (!found.has(dependent) && !dependent.isTaken) {
          found.add(dependent);
          open.push(dependent);
        }
      }
    }
    return found;
  }

  return {
    has: ({ jobId, attempt }) => stepOfJob.get(jobId)?.jobs.get(jobId)?.attempt === attempt,
    add: (jobs) => {
      for (const [job] of jobs) {
        const step = stepFor(job.drvPath);
        step.jobs.set(job.jobId, job);
        stepOfJob.set(job.jobId, step);
      }
      for (const [job, needs] of jobs) {
        const step = stepFor(job.drvPath);
        for (const needed of needs.flatMap((drvPath) => steps.get(drvPath) ?? [])) {
          if (needed !== step) {
            step.needs.add(needed);
            needed.neededBy.add(step);
          }
        }
        lineUp(step);
      }
    },
    get readyCount() {
      return line.size;
    },
    take: (count) => {
      const taken = [...line.values().take(count)];
      for (const step of taken) {
        line.delete(step);
        step.isTaken = true;
      }
      return taken.map(({ drvPath }) => drvPath);
    },
    jobsOf: (drvPath) => [...(steps.get(drvPath)?.jobs.values() ?? [])],
    lostWith: (drvPath) => {
      const step = steps.get(drvPath);
      const own = [...(step?.jobs.values() ?? [])];
      const lost = step === undefined ? [] : [...waitingFor(step)].flatMap(({ jobs }) => [...jobs.values()]);
      const causes = new Map(own.map((job) => [job.evaluationId, job]));
      return lost.map((job) => ({ job, cause: causes.get(job.evaluationId) ?? null, drvPath }));
    },
    countSpoiled: (drvPath) => {
      const step = steps.get(drvPath);
      if (step === undefined) {
        return 1;
      }
      step.spoiledCount += 1;
      return step.spoiledCount;
    },
    putBack: (drvPath, { wasDispatched } = { wasDispatched: false }) => {
      const step = steps.get(drvPath);
      if (step === undefined) {
        return;
      }
      step.isTaken = false;
      for (const job of wasDispatched ? step.jobs.values() : []) {
        step.jobs.set(job.jobId, { ...job, wasDispatched });
      }
      lineUp(step);
      removeUnwanted(step);
    },
    forget: (jobs) => {
      const emptied: Step[] = [];
      for (const { jobId, attempt } of jobs) {
        const step = stepOfJob.get(jobId);
        if (step?.jobs.get(jobId)?.attempt === attempt) {
          step.jobs.delete(jobId);
          stepOfJob.delete(jobId);
          emptied.push(...(step.jobs.size === 0 ? [step] : []));
        }
      }
      for (const step of emptied) {
        removeUnwanted(step);
      }
      return emptied.flatMap(({ isTaken, drvPath }) => (isTaken ? [drvPath] : []));
    },
    dependentsOf: (jobId) => {
      const step = stepOfJob.get(jobId);
      const own = step?.jobs.get(jobId);
      return step === undefined
        ? []
        : [...waitingFor(step)].flatMap(({ jobs }) =>
            [...jobs.values()].filter(({ evaluationId }) => evaluationId === own?.evaluationId),
          );
    },
    derivationOf: (jobId) => stepOfJob.get(jobId)?.drvPath,
    heldBy: (jobId) => {
      const step = stepOfJob.get(jobId);
      const [needed] = step === undefined || step.isTaken ? [] : step.needs;
      return needed?.drvPath;
    },
  };
}
