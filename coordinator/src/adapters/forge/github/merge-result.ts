import { parseSha, type Sha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { MergeResult } from '../../../ports/forge.ts';
import type { ForgeAnswer } from '../forge-http.ts';
import { readAnswer } from '../read-answer.ts';
import { PullRequest } from './pull-request.ts';

const Merging = z.object({
  ...PullRequest.shape,
  /** Null while GitHub works it out, which asking for it makes it do. */
  mergeable: z.boolean().nullable(),
  /** Until then it is of the head before; of a closed request it is what was merged. */
  merge_commit_sha: z.string().nullable(),
});

export function judgeMerge(
  forge: string,
  { number, headSha }: { readonly number: number; readonly headSha: Sha },
  answer: ForgeAnswer,
): MergeResult {
  const request = readAnswer(forge, 'a pull request', Merging, answer);
  if (request.state !== 'open') {
    return { kind: 'none', reason: 'The request is closed.' };
  }
  if (request.head.sha !== headSha) {
    return { kind: 'none', reason: 'The request has another head by now.' };
  }
  if (request.mergeable === false) {
    return { kind: 'none', reason: 'It conflicts with its base.' };
  }
  const sha = parseSha(request.merge_commit_sha ?? '');
  return request.mergeable === null || sha === undefined
    ? { kind: 'later' }
    : { kind: 'merge', sha, ref: `refs/pull/${number}/merge` };
}
