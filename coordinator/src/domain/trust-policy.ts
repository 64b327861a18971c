/**
 * Whom to trust with a request. What was pushed to the repository itself is trusted without a question; else its author
 * and whoever pushed its head must both be allowed to push there, or stand on the allowlist. An unknown pusher is a
 * stranger, and a forge that cannot answer never widens trust.
 */
import type { Login } from './forge-event.ts';

export interface RequestTrustFacts {
  readonly author: Login;
  /** Null: nobody knows who pushed its head. */
  readonly pusher: Login | null;
  /** Logins, compared as the forge writes them. */
  readonly allowlist: readonly string[];
}

export type TrustVerdict =
  | { readonly kind: 'trusted'; readonly because: string }
  | { readonly kind: 'stranger'; readonly reason: string };

/** Whom the forge has to be asked about: those that the allowlist does not name. */
export function peopleToAskAbout({ author, pusher, allowlist }: RequestTrustFacts): readonly Login[] {
  const people = pusher === null ? [author] : [...new Set([author, pusher])];
  return people.filter((login) => !allowlist.includes(login));
}

/** `mayPush` holds the answer about each of `peopleToAskAbout`. */
export function judgeRequest(facts: RequestTrustFacts, mayPush: ReadonlyMap<Login, boolean>): TrustVerdict {
  const { author, pusher, allowlist } = facts;
  const isTrusted = (login: Login): boolean => allowlist.includes(login) || mayPush.get(login) === true;
  if (!isTrusted(author)) {
    return {
      kind: 'stranger',
      reason: `${author}, who made the request, may not push to this repository and is not on pr_allowlist.`,
    };
  }
  if (pusher === null) {
    return { kind: 'stranger', reason: 'Who pushed the newest commit of the request is not known.' };
  }
  if (!isTrusted(pusher)) {
    return {
      kind: 'stranger',
      reason: `${pusher}, who pushed the newest commit, may not push to this repository and is not on pr_allowlist.`,
    };
  }
  return {
    kind: 'trusted',
    because: author === pusher ? `${author} may push here` : `${author} and ${pusher} may push here`,
  };
}
