/**
 * One line below a commit. GitLab keeps it as a job of a pipeline and moves it through that job's states:
 *
 * - Only a pending job is changed by a post; where there is none, a post makes a new one, which is shown instead of
 *   what ended before. So every state may follow every other.
 * - A pending job cannot become pending again: 400, "Cannot transition status". Its description stays as it was.
 * - A commit may have several pipelines, and without `pipeline_id` the newest one is meant. A pipeline that comes
 *   between two posts would get the second one, and the first would be pending for ever. So the pipeline is the handle.
 * - A commit that is on no branch (a fork's) has no pipeline to find: 404, "References for commit", unless `ref` names
 *   one, and any name will do.
 * - 409: another post for the same commit is being worked on.
 */
import { createHash } from 'node:crypto';
import { AppError } from '@argunix/shared/kit/app-error';
import { z } from 'zod';
import type { CheckState, Forge, ForgeCheck } from '../../../ports/forge.ts';
import { cleanText } from '../clean-text.ts';
import { type ForgeAnswer, type ForgeRequest, judgeAnswer } from '../forge-http.ts';
import { messageIn } from '../said.ts';
import { type GitLabApi, projectPath } from './gitlab-api.ts';

const STATES: Readonly<Record<CheckState, string>> = {
  pending: 'pending',
  success: 'success',
  failure: 'failed',
  error: 'failed',
  cancelled: 'canceled',
  action_required: 'pending',
};

// Of name and URL; GitLab refuses more.
const MOST_CHARACTERS = 255;

const Posted = z.object({ pipeline_id: z.int().positive().nullable().catch(null) });

interface Place {
  readonly pipeline: string | null;
  readonly ref: string | null;
}

export async function postStatus(
  api: GitLabApi,
  ...[slug, check, signal]: Parameters<Forge['post']>
): Promise<string | null> {
  const request: ForgeRequest = {
    method: 'POST',
    path: `${projectPath(slug)}/statuses/${check.sha}`,
    needs:
      'the token needs the scope api, and its user the role Developer, or Maintainer where the branch is protected',
    signal,
  };
  const branch = /^refs\/(?:heads|tags)\/(.+)$/s.exec(check.ref ?? '')?.[1] ?? null;
  const first: Place = { pipeline: check.handle, ref: branch };
  let answer = await postAt(api, request, check, first);
  if (check.handle !== null && isPipelineLost(answer)) {
    answer = await postAt(api, request, check, { ...first, pipeline: null });
  }
  if (branch === null && isRefLost(answer)) {
    answer = await postAt(api, request, check, { pipeline: null, ref: check.ref ?? check.sha });
  }
  if (isAlreadyThere(answer)) {
    return check.handle;
  }
  if (answer.status === 409) {
    throw new AppError('forge.failed', `${api.name} is busy with another status of the same commit.`, {
      forge: api.name,
      status: 409,
    });
  }
  judgeAnswer(api.name, request, answer);
  const { pipeline_id: pipeline } = Posted.catch({ pipeline_id: null }).parse(answer.body);
  return pipeline === null ? null : String(pipeline);
}

async function postAt(
  { http }: GitLabApi,
  request: ForgeRequest,
  { state, context, description, url }: ForgeCheck,
  { pipeline, ref }: Place,
): Promise<ForgeAnswer> {
  return await http.send({
    ...request,
    answers: [400, 404, 409, 422],
    body: {
      state: STATES[state],
      name: shortName(cleanText(context)),
      description: cleanText(description),
      // Without the link rather than without the status.
      ...(url.length > MOST_CHARACTERS ? {} : { target_url: url }),
      ...(ref === null ? {} : { ref }),
      ...(pipeline === null ? {} : { pipeline_id: Number(pipeline) }),
    },
  });
}

/** Two long names that begin alike stay two. */
function shortName(context: string): string {
  if (context.length <= MOST_CHARACTERS) {
    return context;
  }
  const end = createHash('sha256').update(context).digest('hex').slice(0, 12);
  return `${context.slice(0, MOST_CHARACTERS - end.length - 1)}…${end}`;
}

function isAlreadyThere({ status, body }: ForgeAnswer): boolean {
  return status === 400 && messageIn(body).includes('Cannot transition status');
}

/** It was deleted or archived, or is full. */
function isPipelineLost({ status, body }: ForgeAnswer): boolean {
  return status === 422 || (status === 404 && messageIn(body).includes('Pipeline'));
}

function isRefLost({ status, body }: ForgeAnswer): boolean {
  return status === 404 && messageIn(body).includes('References for commit');
}
