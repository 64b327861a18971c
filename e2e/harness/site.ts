/** A coordinator with several repositories, each of which is pushed to and followed to the end of its evaluation. */
import { join } from 'node:path';
import { EvaluationView, type JobView, RepositoryView } from '@argunix/shared/control-api/views';
import { z } from 'zod';
import { until } from '../../coordinator/test/until.ts';
import { post } from './control-socket.ts';
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from './coordinator.ts';
import { type Files, type FlakeRepository, makeFlakeRepository } from './flake-repository.ts';

const FORGE = 'here';
const ENDED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 50;

export interface SiteOptions extends CoordinatorOptions {
  /** What differs from the usual for each repository, by its name. */
  readonly repositories: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Site {
  readonly dir: string;
  /** The one that runs now. */
  coordinator(): RunningCoordinator;
  /** Stops the one that runs, if it still does, and starts another on the same state. */
  restart(): Promise<RunningCoordinator>;
  repository(name: string): FlakeRepository;
  /** Has the coordinator look at the repository now. */
  poke(name: string): Promise<void>;
  view(name: string): Promise<RepositoryView>;
  /** The newest evaluation of this revision, undefined before there is one. */
  evaluation(name: string, sha: string): Promise<EvaluationView | undefined>;
  /** The evaluation of this revision when it has ended. */
  ended(name: string, sha: string): Promise<EvaluationView>;
  push(name: string, files: Files): Promise<EvaluationView>;
  /** The jobs of an evaluation by their attribute. */
  jobs(evaluationId: number): Promise<Readonly<Record<string, JobView>>>;
  /** The one job with this attribute once it satisfies the condition. */
  jobWhen(
    evaluation: () => Promise<EvaluationView | undefined>,
    attr: string,
    isSo: (job: JobView) => boolean,
  ): Promise<JobView>;
  /** What the operator asks on the control socket. */
  command(path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }>;
  logText(jobId: number): Promise<string>;
  stop(): Promise<void>;
}

export async function startSite(options: SiteOptions): Promise<Site> {
  const { dir } = options;
  const repositories = new Map<string, FlakeRepository>();
  for (const name of Object.keys(options.repositories)) {
    repositories.set(name, await makeFlakeRepository(join(dir, 'sources', name)));
  }
  const start = (): Promise<RunningCoordinator> =>
    startCoordinator({
      ...options,
      configuration: {
        systems: ['x86_64-linux'],
        ...options.configuration,
        forges: {
          [FORGE]: {
            kind: 'git',
            repos: Object.fromEntries(
              Object.entries(options.repositories).map(([name, settings]) => [
                `a/${name}`,
                { url: join(dir, 'sources', name), poll_seconds: 3600, ...settings },
              ]),
            ),
          },
        },
      },
    });
  let coordinator = await start();

  async function poke(name: string): Promise<void> {
    await until(
      `a poke for ${name} is taken`,
      async () => {
        const response = await fetch(`${coordinator.url}/webhook/${FORGE}?repo=a/${name}`, {
          method: 'POST',
        });
        await response.arrayBuffer();
        return response.status === 202;
      },
      ENDED_WITHIN_MS,
      LOOK_EVERY_MS,
    );
  }
  async function evaluation(name: string, sha: string): Promise<EvaluationView | undefined> {
    const all = await coordinator.get(
      `/api/v1/evals?limit=100&repo=${FORGE}/a/${name}`,
      z.array(EvaluationView),
    );
    return all.find((one) => one.sha === sha);
  }
  async function ended(name: string, sha: string): Promise<EvaluationView> {
    let found: EvaluationView | undefined;
    await until(
      `the evaluation of ${name} ends`,
      async () => {
        found = await evaluation(name, sha);
        return (found?.finished_at ?? null) !== null;
      },
      ENDED_WITHIN_MS,
      LOOK_EVERY_MS,
    );
    if (found === undefined) {
      throw new Error('it ended and is not there');
    }
    return found;
  }
  async function jobs(evaluationId: number): Promise<Readonly<Record<string, JobView>>> {
    return Object.fromEntries((await coordinator.jobs(evaluationId)).map((job) => [job.attr, job]));
  }
  function repository(name: string): FlakeRepository {
    const found = repositories.get(name);
    if (found === undefined) {
      throw new Error(`there is no repository ${name}`);
    }
    return found;
  }
  return {
    dir,
    coordinator: () => coordinator,
    restart: async () => {
      await coordinator.kill('SIGTERM');
      coordinator = await start();
      return coordinator;
    },
    repository,
    poke,
    view: (name) => coordinator.get(`/r/${FORGE}/a/${name}`, RepositoryView),
    evaluation,
    ended,
    push: async (name, files) => {
      const sha = await repository(name).commit(files);
      await poke(name);
      return await ended(name, sha);
    },
    jobs,
    jobWhen: async (evaluationOf, attr, isSo) => {
      let job: JobView | undefined;
      await until(
        `${attr} is as expected`,
        async () => {
          const id = (await evaluationOf())?.id;
          job = id === undefined ? undefined : (await jobs(id))[attr];
          return job !== undefined && isSo(job);
        },
        ENDED_WITHIN_MS,
        LOOK_EVERY_MS,
      );
      if (job === undefined) {
        throw new Error('it was there and is gone');
      }
      return job;
    },
    command: (path, body) => post(join(dir, 'state/control/argunix.sock'), `/api/v1${path}`, body),
    logText: async (jobId) =>
      await (
        await fetch(`${coordinator.url}/api/v1/jobs/${jobId}/log`, { headers: { accept: 'text/plain' } })
      ).text(),
    stop: async () => {
      await coordinator.kill('SIGTERM');
    },
  };
}
