/** The buttons of check runs and suites. GitHub shows them to people who may push, and tells only the App whose run it is. */
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';
import { parseCheckHandle } from '../check-handle.ts';
import { WireRevision } from '../wire-values.ts';

const Sender = z
  .object({ login: z.string().min(1) })
  .nullable()
  .catch(null);

export const CheckRunEvent = z.object({
  action: z.string(),
  check_run: z.object({ head_sha: WireRevision, external_id: z.string().nullable().catch(null) }),
  requested_action: z.object({ identifier: z.string() }).nullable().catch(null),
  sender: Sender,
});

export const CheckSuiteEvent = z.object({
  action: z.string(),
  check_suite: z.object({ head_sha: WireRevision }),
  sender: Sender,
});

export function toCheckRunEvent(event: z.infer<typeof CheckRunEvent>): ForgeEvent {
  const { head_sha: sha, external_id: externalId } = event.check_run;
  const of = parseCheckHandle(externalId);
  const by = event.sender?.login ?? null;
  if (event.action === 'rerequested') {
    return { kind: 'rerun', sha, of, by };
  }
  const isApproval = event.action === 'requested_action' && event.requested_action?.identifier === 'approve';
  if (!isApproval) {
    return { kind: 'ignored', reason: 'It is about a check run, but is no button of ours.' };
  }
  return by === null
    ? { kind: 'ignored', reason: 'It does not say who approves.' }
    : { kind: 'approve', sha, of, by };
}

export function toCheckSuiteEvent(event: z.infer<typeof CheckSuiteEvent>): ForgeEvent {
  return event.action === 'rerequested'
    ? { kind: 'rerun', sha: event.check_suite.head_sha, of: null, by: event.sender?.login ?? null }
    : { kind: 'ignored', reason: 'It is about a check suite, but nobody asked to run it again.' };
}
