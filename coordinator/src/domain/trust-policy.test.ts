import { expect, test } from 'vitest';
import { judgeRequest, peopleToAskAbout, type RequestTrustFacts } from './trust-policy.ts';

const PEOPLE = ['pusher-of-here', 'listed', 'stranger'] as const;
type Person = (typeof PEOPLE)[number];
const ALLOWLIST = ['listed'];
/** What the forge says of each; of some it says nothing. */
const answers = (who: readonly Person[]) =>
  new Map(who.filter((login) => login !== 'listed').map((login) => [login, login === 'pusher-of-here']));

const cases = PEOPLE.flatMap((author) => [...PEOPLE, null].map((pusher) => [author, pusher] as const));

test.each(cases)('a request of %s that %s pushed is trusted only when both are', (author, pusher) => {
  const facts: RequestTrustFacts = { author, pusher, allowlist: ALLOWLIST };
  const isTrusted = author !== 'stranger' && pusher !== 'stranger' && pusher !== null;

  const verdict = judgeRequest(facts, answers(PEOPLE));

  expect(verdict.kind).toBe(isTrusted ? 'trusted' : 'stranger');
});

test.each(cases)(
  'of a request of %s that %s pushed, who is not asked about is nobody to be trusted',
  (author, pusher) => {
    const facts: RequestTrustFacts = { author, pusher, allowlist: [] };

    expect(judgeRequest(facts, new Map()).kind).toBe('stranger');
  },
);

test('the forge is asked about nobody on the allowlist, and about nobody twice', () => {
  expect(peopleToAskAbout({ author: 'a', pusher: 'a', allowlist: [] })).toEqual(['a']);
  expect(peopleToAskAbout({ author: 'a', pusher: 'b', allowlist: ['b'] })).toEqual(['a']);
  expect(peopleToAskAbout({ author: 'a', pusher: 'a', allowlist: ['a'] })).toEqual([]);
});

test('the forge is asked about nobody where it is not known who pushed, or whose request it is', () => {
  expect(peopleToAskAbout({ author: 'a', pusher: null, allowlist: [] })).toEqual([]);
  expect(peopleToAskAbout({ author: '', pusher: 'a', allowlist: [] })).toEqual([]);
});

test('nobody is nobody to be trusted, not even where the allowlist names nobody', () => {
  const facts = { author: '', pusher: '', allowlist: [''] };

  expect(judgeRequest(facts, new Map([['', true]])).kind).toBe('stranger');
});

test('a login is on the allowlist only as it is written there', () => {
  expect(judgeRequest({ author: 'Listed', pusher: 'Listed', allowlist: ALLOWLIST }, new Map()).kind).toBe(
    'stranger',
  );
});
