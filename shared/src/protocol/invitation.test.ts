import { expect, test } from 'vitest';
import { invitationText, parseInvitation } from './invitation.ts';

const INVITATION = {
  name: 'my-laptop.home_1',
  secret: 'q3-_'.repeat(10),
  host_key: `SHA256:${'aB+/'.repeat(10)}abc`,
};

test('an invitation is one word that says everything', () => {
  const text = invitationText(INVITATION);

  expect(text).toMatch(/^[!-~]+$/);
  expect(parseInvitation(text)).toEqual(INVITATION);
});

test.each([
  '',
  'a shared token',
  'argunix-invitation-1.',
  'argunix-invitation-1.name~short~key',
  invitationText(INVITATION).slice(0, -5),
  invitationText({ ...INVITATION, name: 'a/b' }),
  invitationText(INVITATION).replace('-1.', '-2.'),
])('%j is none', (text) => {
  expect(parseInvitation(text)).toBeUndefined();
});
