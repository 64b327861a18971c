/** What each job of the sample must end as, and whether it did. */
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { isJobGood, JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import { z } from 'zod';

/** By attribute. `success` means its outputs exist: an earlier run may have built them. */
export type Expectations = ReadonlyMap<string, JobStatus>;

const ExpectedFile = z.record(z.string(), z.enum(JOB_STATUSES));

/** The sample's `expected.json` names the host's system SYSTEM. */
export function parseExpectations(text: string, system: string): Expectations {
  const parsed = ExpectedFile.parse(JSON.parse(text));
  return new Map(Object.entries(parsed).map(([attr, status]) => [attr.replace('SYSTEM', system), status]));
}

/** A sentence for each thing that is not as it should be; none when all is. */
export function judgeJobs(
  evaluation: EvaluationView,
  jobs: readonly JobView[],
  expectations: Expectations | undefined,
): readonly string[] {
  if (evaluation.status !== 'done') {
    return [
      `the evaluation ended as ${evaluation.status}${evaluation.reason === null ? '' : `: ${evaluation.reason}`}`,
    ];
  }
  if (expectations === undefined) {
    return jobs
      .filter(({ status }) => !isJobGood(status))
      .map(({ attr, status }) => `${attr} ended as ${status}`);
  }
  const missing = [...expectations.keys()].filter((attr) => !jobs.some((job) => job.attr === attr));
  return [
    ...missing.map((attr) => `${attr} was expected and is no job`),
    ...jobs.flatMap((job) => judgeJob(job, expectations.get(job.attr))),
  ];
}

function judgeJob({ attr, status }: JobView, expected: JobStatus | undefined): readonly string[] {
  if (expected === undefined) {
    return [`${attr} is a job and was not expected`];
  }
  const isAsExpected = status === expected || (isJobGood(status) && isJobGood(expected));
  return isAsExpected ? [] : [`${attr} was expected to end as ${expected}, and ended as ${status}`];
}
