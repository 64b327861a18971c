/**
 * Checks as an App can show them: runs with markdown and buttons. A run that was completed stays completed at GitHub, so
 * when its check is pending again another run of the same name takes its place; GitHub shows the newest.
 */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { isAppError } from '@argunix/shared/kit/app-error';
import { z } from 'zod';
import type { CheckState, ForgeCheck } from '../../../ports/forge.ts';
import { readAnswer } from '../read-answer.ts';
import { WireNumber } from '../wire-values.ts';
import { repositoryPath } from './addresses.ts';
import type { GitHubApi, GitHubRequest } from './api.ts';
import { contextWithin } from './context-within.ts';
import { cutLine, cutToBytes } from './cut-text.ts';
import { missingRight } from './rights.ts';

/** `error` must not become `neutral`: that satisfies a rule that asks for this check before a merge. */
const CONCLUSIONS: Readonly<Record<Exclude<CheckState, 'pending'>, string>> = {
  success: 'success',
  failure: 'failure',
  error: 'failure',
  cancelled: 'cancelled',
  action_required: 'action_required',
};
const MOST_SUMMARY_BYTES = 65_535;
const LONGEST_TITLE = 255;
/** Comes back as `requested_action`; the label has at most 20 characters, the description 40. */
const APPROVE = { label: 'Approve', description: 'Build this revision', identifier: 'approve' };

const CheckRun = z.object({ id: WireNumber });

export async function postCheckRun(
  api: GitHubApi,
  slug: RepositorySlug,
  check: ForgeCheck,
  signal: AbortSignal,
): Promise<string> {
  const request = {
    as: { kind: 'repository', slug },
    needs: missingRight(api.credentialKind, 'checks', slug),
    signal,
  } as const;
  const runs = `${repositoryPath(slug)}/check-runs`;
  const earlier = parseHandle(check.handle);
  const isOver = earlier === undefined || (earlier.isCompleted && check.state === 'pending');
  const isShown = !isOver && (await change(api, { ...request, path: `${runs}/${earlier.id}` }, check));
  if (isShown) {
    return writeHandle(earlier.id, check.state);
  }
  const answer = await api.send({
    ...request,
    method: 'POST',
    path: runs,
    body: { ...bodyOf(check), head_sha: check.sha },
  });
  const { id } = readAnswer(api.forge, 'a check run with its id', CheckRun, answer);
  return writeHandle(String(id), check.state);
}

/** False where that run is gone, or is another App's as after a change of Apps. */
async function change(
  api: GitHubApi,
  request: Omit<GitHubRequest, 'method' | 'body'>,
  check: ForgeCheck,
): Promise<boolean> {
  try {
    const answer = await api.send({ ...request, method: 'PATCH', body: bodyOf(check), answers: [404] });
    return answer.status !== 404;
  } catch (error) {
    if (isAppError(error) && error.code === 'forge.forbidden') {
      return false;
    }
    throw error;
  }
}

function bodyOf({ context, state, description, url, summary, externalId }: ForgeCheck): object {
  const title = cutLine(description === '' ? context : description, LONGEST_TITLE);
  return {
    name: contextWithin(context),
    details_url: url,
    external_id: externalId,
    ...(state === 'pending'
      ? { status: 'in_progress' }
      : { status: 'completed', conclusion: CONCLUSIONS[state] }),
    output: { title, summary: cutToBytes(summary ?? title, MOST_SUMMARY_BYTES) },
    // Also none: the button of the state before would stay.
    actions: state === 'action_required' ? [APPROVE] : [],
  };
}

interface Handle {
  readonly id: string;
  readonly isCompleted: boolean;
}

function writeHandle(id: string, state: CheckState): string {
  return state === 'pending' ? id : `${id}:completed`;
}

function parseHandle(handle: string | null): Handle | undefined {
  const [, id, completed] = /^(\d{1,19})(:completed)?$/.exec(handle ?? '') ?? [];
  return id === undefined ? undefined : { id, isCompleted: completed !== undefined };
}
