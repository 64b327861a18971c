/** The merge requests of a project: which are open, and what git makes of merging one. */
import { AppError } from '@argunix/shared/kit/app-error';
import { z } from 'zod';
import type { OpenRequest } from '../../../domain/forge-event.ts';
import type { Forge, MergeResult } from '../../../ports/forge.ts';
import { readAnswer } from '../read-answer.ts';
import { WireBranch, WireNumber, WireRevision } from '../wire-values.ts';
import { type GitLabApi, projectPath } from './gitlab-api.ts';
import { DraftMarks, isDraft } from './gitlab-draft.ts';

const PAGE = 100;
const MOST_PAGES = 200;
const NEEDS = 'the token needs the scope api, and its user the role Maintainer in the project';

const ListedRequest = DraftMarks.extend({
  iid: WireNumber,
  created_at: z.string(),
  /** Null while GitLab still prepares it. */
  sha: WireRevision.nullable(),
  source_branch: z.string(),
  target_branch: WireBranch,
  source_project_id: z.number().nullable(),
  target_project_id: z.number(),
  /** GitLab gives the requests of a user that was deleted to its user `ghost`, who may nothing. */
  author: z.object({ username: z.string().min(1) }).catch({ username: 'ghost' }),
});
type ListedRequest = z.infer<typeof ListedRequest>;

/**
 * Not by page numbers: a request that is closed while we turn pages moves another one to a page that we have read, and
 * what is missing counts as closed. From the time of the last one on, each page begins where the one before ended.
 */
export async function listOpenRequests(
  { name, http }: GitLabApi,
  ...[slug, signal]: Parameters<Forge['openRequests']>
): Promise<readonly OpenRequest[]> {
  const found = new Map<number, ListedRequest>();
  const path = `${projectPath(slug)}/merge_requests`;
  let since: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query = { state: 'opened', scope: 'all', order_by: 'created_at', sort: 'asc', per_page: PAGE };
    const answer = await http.send({
      method: 'GET',
      path,
      query: since === undefined ? query : { ...query, created_after: since },
      needs: NEEDS,
      signal,
    });
    const listed = readAnswer(name, 'a list of merge requests', z.array(ListedRequest), answer);
    const isNews = listed.some(({ iid }) => !found.has(iid));
    for (const request of listed) {
      found.set(request.iid, request);
    }
    since = listed.at(-1)?.created_at;
    if (!isNews || listed.length < PAGE) {
      return [...found.values()].flatMap(toOpenRequest);
    }
  }
  throw new AppError('forge.refused', `${name}: ${path} has more than ${MOST_PAGES} pages.`, { forge: name });
}

function toOpenRequest(listed: ListedRequest): readonly OpenRequest[] {
  if (listed.sha === null) {
    return [];
  }
  return [
    {
      number: listed.iid,
      headSha: listed.sha,
      headName: listed.source_branch,
      baseRef: listed.target_branch,
      isFromHere: listed.source_project_id === listed.target_project_id,
      author: listed.author.username,
      isDraft: isDraft(listed),
    },
  ];
}

const OneRequest = z.object({
  state: z.string(),
  sha: WireRevision.nullable(),
  detailed_merge_status: z.string().nullish(),
  /** What GitLab before 15.6 says. */
  merge_status: z.string().nullish(),
});
const MergeRef = z.object({ commit_id: WireRevision });
const Commit = z.object({ parent_ids: z.array(z.string()) });

const STILL_WORKING = new Set([
  'unchecked',
  'checking',
  'preparing',
  'cannot_be_merged_recheck',
  'approvals_syncing',
]);

/** Asking for `merge_ref` makes GitLab write the merge; 400 is its answer where it cannot. */
export async function findMergeResult(
  { name, http }: GitLabApi,
  ...[slug, { number, headSha }, signal]: Parameters<Forge['mergeResult']>
): Promise<MergeResult> {
  const path = `${projectPath(slug)}/merge_requests/${number}`;
  const request = readAnswer(
    name,
    'a merge request',
    OneRequest,
    await http.send({ method: 'GET', path, needs: NEEDS, signal }),
  );
  if (request.state !== 'opened') {
    return { kind: 'none', reason: 'the merge request is not open' };
  }
  if (request.sha !== headSha) {
    return { kind: 'none', reason: 'the merge request has another head by now' };
  }
  const answer = await http.send({
    method: 'GET',
    path: `${path}/merge_ref`,
    answers: [400],
    needs: NEEDS,
    signal,
  });
  if (answer.status === 400) {
    const status = request.detailed_merge_status ?? request.merge_status ?? '';
    return STILL_WORKING.has(status)
      ? { kind: 'later' }
      : { kind: 'none', reason: 'it cannot be merged into its target branch' };
  }
  const sha = readAnswer(name, 'the merge of a merge request', MergeRef, answer).commit_id;
  const commit = readAnswer(
    name,
    'a commit',
    Commit,
    await http.send({
      method: 'GET',
      path: `${projectPath(slug)}/repository/commits/${sha}`,
      needs: NEEDS,
      signal,
    }),
  );
  return commit.parent_ids.includes(headSha)
    ? { kind: 'merge', sha, ref: `refs/merge-requests/${number}/merge` }
    : { kind: 'none', reason: 'the merge that GitLab made is not of this head' };
}
