/**
 * A Merge Request Hook. GitLab sends one for every change of a merge request, down to its labels; only those matter
 * that make another revision or another base to build.
 *
 * `user` of the payload is whoever did this, not the author, of whom there is only an id. Where nobody in the payload
 * has that id, the author is written `#<id>`, which is no login of anybody's; mayPush takes it.
 */
import { z } from 'zod';
import type { ForgeEvent, Login } from '../../../domain/forge-event.ts';
import { WireBranch, WireNumber, WireRevision } from '../wire-values.ts';
import { DraftMarks, isDraft, isDraftTitle } from './gitlab-draft.ts';

const Person = z.object({ id: WireNumber, username: z.string().min(1) });
type Person = z.infer<typeof Person>;
const People = z.array(Person.nullable().catch(null)).catch([]);

const Flip = z
  .object({ previous: z.boolean().nullable(), current: z.boolean().nullable() })
  .optional()
  .catch(undefined);
const Rewording = z.object({ previous: z.string(), current: z.string() }).optional().catch(undefined);
const Changes = z
  .object({
    target_branch: z.object({}).optional().catch(undefined),
    draft: Flip,
    work_in_progress: Flip,
    title: Rewording,
  })
  .catch({});
type Changes = z.infer<typeof Changes>;

export const MergeRequestHook = z.object({
  user: Person.nullable().catch(null),
  assignees: People,
  reviewers: People,
  changes: Changes,
  object_attributes: DraftMarks.extend({
    iid: WireNumber,
    action: z.string().optional().catch(undefined),
    author_id: WireNumber,
    source_branch: z.string(),
    target_branch: WireBranch,
    source_project_id: z.number().nullable(),
    target_project_id: z.number(),
    oldrev: z.string().optional().catch(undefined),
    /** Null where there are no commits to merge. */
    last_commit: z.object({ id: WireRevision }).nullable(),
  }),
});
export type MergeRequestHook = z.infer<typeof MergeRequestHook>;

export function toMergeRequestEvent(hook: MergeRequestHook): ForgeEvent {
  const { object_attributes: request } = hook;
  switch (request.action ?? '') {
    case 'close':
    case 'merge':
      return { kind: 'closed', number: request.iid };
    case 'open':
    case 'reopen':
      return toRequest(hook);
    case 'update':
      return request.oldrev !== undefined || isRetargeted(hook.changes) || becameReady(hook.changes)
        ? toRequest(hook)
        : { kind: 'ignored', reason: 'neither the commits nor the target of the merge request changed' };
    default:
      return { kind: 'ignored', reason: 'what was done to the merge request changes nothing to build' };
  }
}

function toRequest(hook: MergeRequestHook): ForgeEvent {
  const { object_attributes: request } = hook;
  if (request.last_commit === null) {
    return { kind: 'ignored', reason: 'the merge request has no commits' };
  }
  return {
    kind: 'request',
    request: {
      number: request.iid,
      headSha: request.last_commit.id,
      headName: request.source_branch,
      baseRef: request.target_branch,
      isFromHere: request.source_project_id === request.target_project_id,
      author: authorOf(hook),
      isDraft: isDraft(request),
    },
    pusher: pusherOf(hook),
  };
}

function authorOf({
  user,
  assignees,
  reviewers,
  object_attributes: { author_id: id },
}: MergeRequestHook): Login {
  const author = [user, ...assignees, ...reviewers].find((person) => person?.id === id);
  return author?.username ?? `#${id}`;
}

/** Whoever opened it for themselves, or pushed to it; who pushed what somebody opens in another's name is not said. */
function pusherOf({ user, object_attributes: request }: MergeRequestHook): Login | null {
  const isPush = request.action === 'update' && request.oldrev !== undefined;
  const isOpening = request.action === 'open' && user?.id === request.author_id;
  return isPush || isOpening ? (user?.username ?? null) : null;
}

function isRetargeted(changes: Changes): boolean {
  return changes.target_branch !== undefined;
}

function becameReady({ draft, work_in_progress: unfinished, title }: Changes): boolean {
  const flip = draft ?? unfinished;
  if (flip !== undefined) {
    return flip.previous === true && flip.current === false;
  }
  return title !== undefined && isDraftTitle(title.previous) && !isDraftTitle(title.current);
}
