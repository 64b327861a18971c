/** Whether what a dialect answered is of the form that its types promise: a brand on a string that is none is a lie. */
import { parseGitRef } from '@argunix/shared/domain/git-ref';
import { parseRepositorySlug } from '@argunix/shared/domain/repository-slug';
import { isZeroSha, parseSha, type Sha } from '@argunix/shared/domain/sha';
import type { ForgeEvent, RepositoryHint } from '../../../src/domain/forge-event.ts';
import type { ParsedDelivery } from '../../../src/ports/forge-deliveries.ts';

// A reason stands in a log and on a page.
const LONGEST_REASON = 400;

/** What is wrong with it; empty when nothing is. */
export function judgeParsed(parsed: ParsedDelivery): readonly string[] {
  if (parsed.kind === 'malformed') {
    return onlyTrue({ 'the reason is no sentence': !isReason(parsed.reason) });
  }
  return [
    ...onlyTrue({ 'the uid is no string': parsed.uid !== null && typeof parsed.uid !== 'string' }),
    ...(parsed.repository === null ? [] : judgeHint(parsed.repository)),
    ...judgeEvent(parsed.event),
  ];
}

function judgeHint({ slug, isPrivate, defaultBranch }: RepositoryHint): readonly string[] {
  return onlyTrue({
    'the slug is none': parseRepositorySlug(slug).kind !== 'slug',
    'isPrivate is no claim': isPrivate !== null && typeof isPrivate !== 'boolean',
    'the default branch is no ref': defaultBranch !== null && !isRef(defaultBranch),
  });
}

function judgeEvent(event: ForgeEvent): readonly string[] {
  switch (event.kind) {
    case 'push':
      return onlyTrue({
        'the ref is none': !isRef(event.ref),
        'the sha is none': !isSha(event.sha),
        'the sha before is none': event.before !== null && !isSha(event.before),
      });
    case 'deleted':
      return onlyTrue({ 'the deleted ref is none': !isRef(event.ref) });
    case 'request':
      return onlyTrue({
        'the number is none': !isNumber(event.request.number),
        'the head is no sha': !isSha(event.request.headSha),
        'the base is no ref': !isRef(event.request.baseRef),
        'the name of the head is no string': typeof event.request.headName !== 'string',
        'the author is no string': typeof event.request.author !== 'string' || event.request.author === '',
        'isDraft is no claim': typeof event.request.isDraft !== 'boolean',
        'isFromHere is no claim': typeof event.request.isFromHere !== 'boolean',
        'the pusher is no string': event.pusher !== null && typeof event.pusher !== 'string',
      });
    case 'closed':
      return onlyTrue({ 'the number is none': !isNumber(event.number) });
    case 'rerun':
    case 'approve':
      return onlyTrue({
        'the sha is none': !isSha(event.sha),
        'the evaluation is no number': event.of !== null && !isNumber(event.of.evaluationId),
        'by is no login': event.by !== null && typeof event.by !== 'string',
      });
    case 'installations':
      return [];
    case 'ignored':
      return onlyTrue({ 'the reason is no sentence': !isReason(event.reason) });
    default:
      return ['the kind is none of the declared ones'];
  }
}

function onlyTrue(claims: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.entries(claims)
    .filter(([, isSo]) => isSo)
    .map(([claim]) => claim);
}

function isReason(reason: string): boolean {
  return reason !== '' && reason.length <= LONGEST_REASON;
}

function isRef(ref: string): boolean {
  return ref.startsWith('refs/') && parseGitRef(ref) === ref;
}

function isSha(sha: Sha): boolean {
  return parseSha(sha) === sha && !isZeroSha(sha);
}

function isNumber(number: number): boolean {
  return Number.isSafeInteger(number) && number > 0;
}
