/**
 * How GitLab keeps statuses of commits: as jobs of pipelines, found by name among those that are not done, each moved
 * through its states by rules. What ended is never changed: the next post makes another job, and that one is shown.
 */
import { z } from 'zod';
import type { ShownCheck } from '../forge-subject.ts';
import type { StandInAnswer } from '../stand-in-server.ts';

interface Job {
  readonly id: number;
  readonly name: string;
  readonly ref: string;
  status: string;
  description: string | null;
  url: string | null;
}

interface Pipeline {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly jobs: Job[];
}

export interface Pipelines {
  post(sha: string, body: unknown, isOnBranch: boolean): StandInAnswer;
  /** One that GitLab's own CI or somebody else made. Answers its id. */
  add(sha: string, ref: string): number;
  remove(id: number): void;
  /** Every job of a commit, with those that others replaced. */
  jobsOf(sha: string): readonly Readonly<Job>[];
  shown(sha: string): readonly ShownCheck[];
}

const Post = z.object({
  state: z.enum(['pending', 'running', 'success', 'failed', 'canceled', 'skipped']),
  name: z.string().default('default'),
  ref: z.string().optional(),
  target_url: z.string().optional(),
  description: z.string().optional(),
  pipeline_id: z.number().optional(),
});
type Post = z.infer<typeof Post>;

const LONGEST = 255;

export function createPipelines(defaultBranch: string): Pipelines {
  const pipelines: Pipeline[] = [];
  let lastId = 5000;

  function nextId(): number {
    lastId += 1;
    return lastId;
  }
  function add(sha: string, ref: string): Pipeline {
    const pipeline = { id: nextId(), sha, ref, jobs: [] };
    pipelines.push(pipeline);
    return pipeline;
  }
  function jobsOf(sha: string): readonly Job[] {
    return pipelines.filter((pipeline) => pipeline.sha === sha).flatMap(({ jobs }) => jobs);
  }

  return {
    post(sha, body, isOnBranch) {
      const post = Post.parse(body);
      const found = pipelines.findLast(
        (pipeline) =>
          pipeline.sha === sha &&
          (post.ref === undefined || pipeline.ref === post.ref) &&
          (post.pipeline_id === undefined || pipeline.id === post.pipeline_id),
      );
      const ref = post.ref ?? found?.ref ?? (isOnBranch ? defaultBranch : undefined);
      if (ref === undefined) {
        return missing('References for commit');
      }
      if (post.pipeline_id !== undefined && found === undefined) {
        return missing('Pipeline for pipeline_id, sha and ref');
      }
      const tooLong = judgeLengths(post);
      if (tooLong !== undefined) {
        return tooLong;
      }
      return change(found ?? add(sha, ref), post, nextId);
    },
    add: (sha, ref) => add(sha, ref).id,
    remove(id) {
      pipelines.splice(
        pipelines.findIndex((pipeline) => pipeline.id === id),
        1,
      );
    },
    jobsOf,
    shown(sha) {
      const newest = new Map<string, Job>();
      for (const job of jobsOf(sha).toSorted((one, other) => one.id - other.id)) {
        newest.set(job.name, job);
      }
      return [...newest.values()].map(({ name, status, description, url }) => ({
        context: name,
        state: status,
        description: description ?? '',
        url: url ?? '',
      }));
    },
  };
}

function change(pipeline: Pipeline, post: Post, nextId: () => number): StandInAnswer {
  const living = pipeline.jobs.find(
    ({ name, status }) => name === post.name && ['pending', 'running'].includes(status),
  );
  if (living !== undefined && post.state === 'pending') {
    return refused(
      `Cannot transition status via :enqueue from :${living.status} (Reason(s): Status cannot transition via "enqueue")`,
    );
  }
  if (living?.status === 'running' && post.state === 'running') {
    return refused(
      'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")',
    );
  }
  const job: Job = living ?? {
    id: nextId(),
    name: post.name,
    ref: pipeline.ref,
    status: 'created',
    description: null,
    url: null,
  };
  if (living === undefined) {
    pipeline.jobs.push(job);
  }
  job.status = post.state;
  job.description = post.description ?? job.description;
  job.url = post.target_url ?? job.url;
  return {
    status: 201,
    body: {
      id: job.id,
      sha: pipeline.sha,
      ref: job.ref,
      status: job.status,
      name: job.name,
      description: job.description,
      target_url: job.url,
      pipeline_id: pipeline.id,
    },
  };
}

function judgeLengths({ name, description, target_url: url }: Post): StandInAnswer | undefined {
  const long = Object.entries({ name, description, target_url: url }).filter(
    ([, text]) => (text?.length ?? 0) > LONGEST,
  );
  return long.length === 0
    ? undefined
    : refused(
        Object.fromEntries(long.map(([key]) => [key, [`is too long (maximum is ${LONGEST} characters)`]])),
      );
}

function refused(message: unknown): StandInAnswer {
  return { status: 400, body: { message } };
}

function missing(what: string): StandInAnswer {
  return { status: 404, body: { message: `404 ${what} Not Found` } };
}
