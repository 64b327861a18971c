/**
 * A `pull_request` delivery. The author is `pull_request.user`; `sender` is whoever did this, and so is who pushed when
 * this is a push.
 */
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';
import { WireNumber } from '../wire-values.ts';
import { isDraftTitle, PullRequest, toOpenRequest } from './pull-request.ts';

/** Nothing more is read of one that is closed: its head may be gone. */
export const ClosedPullRequest = z.object({ action: z.literal('closed'), number: WireNumber });

const Sender = z.object({ login: z.string().min(1) });
const From = z.object({ from: z.string() }).optional().catch(undefined);

export const PullRequestHook = z.object({
  action: z.string(),
  sender: Sender.nullable().catch(null),
  /** `ref` is the base that it had before. */
  changes: z.object({ ref: From, title: From }).catch({}),
  pull_request: PullRequest,
});
type PullRequestHook = z.infer<typeof PullRequestHook>;

export function toPullRequestEvent({
  action,
  sender,
  changes,
  pull_request: pull,
}: PullRequestHook): ForgeEvent {
  const request = toOpenRequest(pull);
  const actor = sender?.login ?? null;
  switch (action) {
    case 'opened':
      return { kind: 'request', request, pusher: actor === request.author ? actor : null };
    case 'reopened':
      return { kind: 'request', request, pusher: null };
    case 'synchronized':
      return { kind: 'request', request, pusher: actor };
    case 'edited':
      return changes.ref !== undefined || becameReady(changes.title?.from, request.isDraft)
        ? { kind: 'request', request, pusher: null }
        : { kind: 'ignored', reason: 'neither the commits nor the base of the pull request changed' };
    default:
      return { kind: 'ignored', reason: 'what was done to the pull request changes nothing to build' };
  }
}

function becameReady(titleBefore: string | undefined, isDraft: boolean): boolean {
  return titleBefore !== undefined && isDraftTitle(titleBefore) && !isDraft;
}
