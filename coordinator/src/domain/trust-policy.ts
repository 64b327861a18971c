/**
 * Whom to trust with a request. What was pushed to the repository itself is trusted without a question; else its author
 * and whoever pushed its head must both be allowed to push there, or stand on the allowlist. An unknown pusher is a
 * stranger, and a forge that cannot answer never widens trust.
 */
import type { Login } from './forge-event.ts';

/** Why a request waits of whose people nothing is known yet. */
export const ASKING = 'The forge is being asked who may build here.';

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

/** Whom the forge has to be asked about: those that the allowlist does not name, where its answer can change anything. */
export function peopleToAskAbout({ author, pusher, allowlist }: RequestTrustFacts): readonly Login[] {
  if (author === '' || pusher === null || pusher === '') {
    return [];
  }
  return [...new Set([author, pusher])].filter((login) => !allowlist.includes(login));
}

/** `mayPush` holds the answer about each of `peopleToAskAbout`. */
export function judgeRequest(facts: RequestTrustFacts, mayPush: ReadonlyMap<Login, boolean>): TrustVerdict {
  const { author, pusher, allowlist } = facts;
  const isTrusted = (login: Login): boolean => allowlist.includes(login) || mayPush.get(login) === true;
  if (author === '') {
    return { kind: 'stranger', reason: 'Who made the request is not known.' };
  }
  if (pusher === null || pusher === '') {
    return { kind: 'stranger', reason: 'Who pushed the newest commit of the request is not known.' };
  }
  if (!isTrusted(author)) {
    return {
      kind: 'stranger',
      reason: `${author}, who made the request, may not push to this repository and is not on pr_allowlist.`,
    };
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
