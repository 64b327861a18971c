import { z } from 'zod';
import type { ForgeEvent, Login } from '../../../domain/forge-event.ts';
import { PullRequest, toOpenRequest } from './pull-request.ts';

export const PullRequestEvent = z.object({
  action: z.string(),
  pull_request: PullRequest,
  changes: z.object({ base: z.unknown() }).catch({ base: undefined }),
  sender: z
    .object({ login: z.string().min(1) })
    .nullable()
    .catch(null),
});
type PullRequestEvent = z.infer<typeof PullRequestEvent>;

const TELLING = new Set(['opened', 'reopened', 'synchronize', 'ready_for_review', 'converted_to_draft']);

export function toRequestEvent(event: PullRequestEvent): ForgeEvent {
  const { action, pull_request: pull } = event;
  if (action === 'closed') {
    return { kind: 'closed', number: pull.number };
  }
  const isRetargeted = action === 'edited' && event.changes.base !== undefined;
  return TELLING.has(action) || isRetargeted
    ? { kind: 'request', request: toOpenRequest(pull), pusher: pusherOf(event) }
    : { kind: 'ignored', reason: 'What was done to the request changes neither its head nor its base.' };
}

/** Only an opening and a push say it; whoever reopens or edits need not have pushed. */
function pusherOf({ action, pull_request: pull, sender }: PullRequestEvent): Login | null {
  if (action === 'opened') {
    return pull.user?.login ?? null;
  }
  return action === 'synchronize' ? (sender?.login ?? null) : null;
}
