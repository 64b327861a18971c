/** The buttons of check runs and suites. GitHub shows them to people who may push, and tells only the App whose run it is. */
import { isZeroSha, parseSha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { ForgeEvent } from '../../../domain/forge-event.ts';
import { parseCheckHandle } from '../check-handle.ts';

const Sender = z
  .object({ login: z.string().min(1) })
  .nullable()
  .catch(null);

export const CheckRunEvent = z.object({
  action: z.string(),
  check_run: z.object({ head_sha: z.string(), external_id: z.string().nullable().catch(null) }),
  requested_action: z.object({ identifier: z.string() }).nullable().catch(null),
  sender: Sender,
});

export const CheckSuiteEvent = z.object({
  action: z.string(),
  check_suite: z.object({ head_sha: z.string() }),
  sender: Sender,
});

/** Undefined where the head is no commit, or nobody pressed the button. */
export function toCheckRunEvent(event: z.infer<typeof CheckRunEvent>): ForgeEvent | undefined {
  const sha = parseSha(event.check_run.head_sha);
  const of = parseCheckHandle(event.check_run.external_id);
  const by = event.sender?.login ?? null;
  if (sha === undefined || isZeroSha(sha)) {
    return undefined;
  }
  if (event.action === 'rerequested') {
    return { kind: 'rerun', sha, of, by };
  }
  if (event.action === 'requested_action' && event.requested_action?.identifier === 'approve') {
    return by === null ? undefined : { kind: 'approve', sha, of, by };
  }
  return { kind: 'ignored', reason: 'It is about a check run, but is no button of ours.' };
}

/** Undefined where the head is no commit. */
export function toCheckSuiteEvent(event: z.infer<typeof CheckSuiteEvent>): ForgeEvent | undefined {
  const sha = parseSha(event.check_suite.head_sha);
  if (sha === undefined || isZeroSha(sha)) {
    return undefined;
  }
  return event.action === 'rerequested'
    ? { kind: 'rerun', sha, of: null, by: event.sender?.login ?? null }
    : { kind: 'ignored', reason: 'It is about a check suite, but nobody asked to run it again.' };
}
