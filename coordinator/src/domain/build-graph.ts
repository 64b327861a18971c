/**
 * What waits for what. A step is a derivation that some job names; jobs with one derivation share its step, whatever
 * their evaluation. A step is
 *
 * - waiting, while a step that it needs has not ended;
 * - ready, when nothing holds it: it stands in line, first come first served;
 * - taken, from `take` until `end`: a builder has it;
 * - and gone, once it ended or nobody wants it any more.
 *
 * A step that ends well, or that is dropped because nobody wants it, frees those that need it (Nix builds a dropped
 * one inside them); one that ends badly takes all that need it along. Only this file changes the states; it does no
 * I/O and knows no time.
 */
import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

export interface GraphJob {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly evaluationId: EvaluationId;
  readonly attr: string;
  readonly drvPath: DerivationPath;
}

export interface FailedDependent {
  readonly job: GraphJob;
  /** The job of the same evaluation that failed, when there is one. */
  readonly cause: GraphJob | null;
  /** The derivation that failed. */
  readonly drvPath: DerivationPath;
}

export interface EndedStep {
  readonly jobs: readonly GraphJob[];
  /** Jobs of steps that can not be built any more. */
  readonly dependents: readonly FailedDependent[];
}

interface Step {
  readonly drvPath: DerivationPath;
  readonly jobs: Map<JobId, GraphJob>;
  readonly needs: Set<Step>;
  readonly neededBy: Set<Step>;
  isTaken: boolean;
}

export interface BuildGraph {
  has(drvPath: DerivationPath): boolean;
  /** Adds jobs; `needs` are derivations of other steps, of these jobs or known before; others are ignored. */
  add(jobs: readonly (readonly [job: GraphJob, needs: readonly DerivationPath[]])[]): void;
  readonly readyCount: number;
  /** Steps in line, first first; a copy. */
  ready(): readonly DerivationPath[];
  /** The next `count` ready steps, each with the jobs that want it now. */
  take(count: number): readonly { readonly drvPath: DerivationPath; readonly jobs: readonly GraphJob[] }[];
  /** Jobs that want a step now. */
  jobsOf(drvPath: DerivationPath): readonly GraphJob[];
  /** Back in line: its builder was lost. */
  putBack(drvPath: DerivationPath): void;
  end(drvPath: DerivationPath, isGood: boolean): EndedStep;
  /** These jobs want nothing any more. Returns the taken steps that nobody wants now: their builds may be stopped. */
  forget(jobIds: Iterable<JobId>): readonly DerivationPath[];
  /** Jobs of the same evaluation that cannot be had without this one. */
  dependentsOf(jobId: JobId): readonly GraphJob[];
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
      step = { drvPath, jobs: new Map(), needs: new Set(), neededBy: new Set(), isTaken: false };
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
  /** Takes a step out of the graph; whoever needed it does not wait for it any more. */
  function remove(step: Step): void {
    steps.delete(step.drvPath);
    line.delete(step);
    for (const jobId of step.jobs.keys()) {
      stepOfJob.delete(jobId);
    }
    for (const needed of step.needs) {
      needed.neededBy.delete(step);
    }
    for (const dependent of step.neededBy) {
      dependent.needs.delete(step);
      lineUp(dependent);
    }
  }
  /** Everything that needs `step`, however far away. */
  function dependentsOf(step: Step): readonly Step[] {
    const found = new Set<Step>();
    const open = [step];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const dependent of next.neededBy) {
        if (!found.has(dependent)) {
          found.add(dependent);
          open.push(dependent);
        }
      }
    }
    return [...found];
  }

  return {
    has: (drvPath) => steps.has(drvPath),
    add: (jobs) => {
      for (const [job] of jobs) {
        const step = stepFor(job.drvPath);
        step.jobs.set(job.jobId, job);
        stepOfJob.set(job.jobId, step);
      }
      for (const [job, needs] of jobs) {
        const step = stepFor(job.drvPath);
        for (const needed of step.isTaken ? [] : needs.flatMap((drvPath) => steps.get(drvPath) ?? [])) {
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
    ready: () => [...line].map(({ drvPath }) => drvPath),
    take: (count) => {
      const taken: { drvPath: DerivationPath; jobs: readonly GraphJob[] }[] = [];
      for (const step of line) {
        if (taken.length >= count) {
          break;
        }
        line.delete(step);
        step.isTaken = true;
        taken.push({ drvPath: step.drvPath, jobs: [...step.jobs.values()] });
      }
      return taken;
    },
    jobsOf: (drvPath) => [...(steps.get(drvPath)?.jobs.values() ?? [])],
    putBack: (drvPath) => {
      const step = steps.get(drvPath);
      if (step !== undefined) {
        step.isTaken = false;
        lineUp(step);
      }
    },
    end: (drvPath, isGood) => {
      const step = steps.get(drvPath);
      if (step === undefined) {
        return { jobs: [], dependents: [] };
      }
      const jobs = [...step.jobs.values()];
      const lost = isGood ? [] : dependentsOf(step);
      remove(step);
      const dependents = lost.flatMap((dependent) =>
        [...dependent.jobs.values()].map((job) => ({
          job,
          cause: jobs.find(({ evaluationId }) => evaluationId === job.evaluationId) ?? null,
          drvPath,
        })),
      );
      for (const dependent of lost) {
        remove(dependent);
      }
      return { jobs, dependents };
    },
    forget: (jobIds) => {
      const unwanted: DerivationPath[] = [];
      for (const jobId of jobIds) {
        const step = stepOfJob.get(jobId);
        step?.jobs.delete(jobId);
        stepOfJob.delete(jobId);
        if (step !== undefined && step.jobs.size === 0) {
          if (step.isTaken) {
            unwanted.push(step.drvPath);
          } else {
            remove(step);
          }
        }
      }
      return unwanted;
    },
    dependentsOf: (jobId) => {
      const step = stepOfJob.get(jobId);
      const own = step?.jobs.get(jobId);
      return step === undefined
        ? []
        : dependentsOf(step).flatMap(({ jobs }) =>
            [...jobs.values()].filter(({ evaluationId }) => evaluationId === own?.evaluationId),
          );
    },
    heldBy: (jobId) => {
      const [needed] = stepOfJob.get(jobId)?.needs ?? [];
      return needed?.drvPath;
    },
  };
}
