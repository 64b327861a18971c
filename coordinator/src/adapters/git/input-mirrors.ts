/**
 * Mirrors of what a trusted revision may read besides itself, for its evaluation, which gets no credential: with the
 * branches, tags and HEAD of the other side, as Nix asks for them by name. Brought up to date for each evaluation, so that
 * one is shown only what its credential could read just now.
 */
import { join } from 'node:path';
import { parseSha } from '@argunix/shared/domain/sha';
import { AppError, isAppError } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { FetchedRepository } from '../../ports/evaluator.ts';
import type { Access } from './access.ts';
import { failed } from './git-trouble.ts';
import type { Grant } from './grants.ts';
import { lookAt } from './look.ts';
import type { Mirrors } from './mirror.ts';
import { inMirror } from './mirror-fetch.ts';
import { shownUrl } from './repository-url.ts';
import type { Git } from './run-git.ts';

export interface InputMirrorTools {
  readonly git: Git;
  readonly mirrors: Mirrors;
  readonly log: Logger;
  readonly accessTo: (grant: Grant) => Promise<Access>;
}

const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
// Of a repository without commits: any will do.
const NO_SHA = parseSha('0'.repeat(40));

export async function bringInputs(
  tools: InputMirrorTools,
  grants: readonly Grant[],
  signal: AbortSignal,
): Promise<readonly FetchedRepository[]> {
  const brought = [];
  for (const grant of grants) {
    try {
      brought.push(await bringInput(tools, grant, signal));
    } catch (error) {
      throw isAppError(error)
        ? new AppError(error.code, `fetch_repos: ${error.message}`, error.details, error)
        : error;
    }
  }
  return brought;
}

async function bringInput(
  { git, mirrors, log, accessTo }: InputMirrorTools,
  grant: Grant,
  signal: AbortSignal,
): Promise<FetchedRepository> {
  const mirrorDir = join(grant.dir, 'branches.git');
  const access = await accessTo(grant);
  const { heads, defaultBranch } = await lookAt(git, access, log, signal);
  const like = heads[0]?.sha ?? NO_SHA;
  if (like === undefined) {
    throw new Error('forty zeros are a sha');
  }
  const done = await mirrors.refresh(mirrorDir, access, { refspecs: REFSPECS, like }, signal, async () => {
    if (defaultBranch === null) {
      return;
    }
    const args = inMirror(mirrorDir, 'symbolic-ref', 'HEAD', defaultBranch);
    const { code, stderr } = await git.run({ args, signal });
    if (code !== 0) {
      throw failed(`the mirror ${mirrorDir} could not be written`, stderr);
    }
  });
  if (done === 'absent') {
    throw new AppError(
      'git.unreachable',
      `${shownUrl(access.url.text)}: its branches changed while they were fetched`,
    );
  }
  return { mirrorDir, urls: grant.spellings };
}
