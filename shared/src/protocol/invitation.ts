/**
 * What an operator hands to a new builder: its name, a secret that works once, and the fingerprint of the key of the
 * host to give it to, so that it cannot be given to another. As the password of SSH, its secret alone is given.
 */
import { z } from 'zod';
import { BuilderName } from './builder-name.ts';

const PREFIX = 'argunix-invitation-1.';

export const Fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'expected a fingerprint such as SHA256:…')
  .transform((text) => text.replace(/=$/, ''));

const Invitation = z.object({
  name: BuilderName,
  secret: z.string().min(20).max(100),
  host_key: Fingerprint,
});
export type Invitation = z.output<typeof Invitation>;

export function invitationText({ name, secret, host_key }: Invitation): string {
  return `${PREFIX}${[name, secret, host_key.replace('SHA256:', '')].join('~')}`;
}

/** Undefined for any other token. */
export function parseInvitation(text: string): Invitation | undefined {
  if (!text.startsWith(PREFIX)) {
    return undefined;
  }
  const [name, secret, key] = text.slice(PREFIX.length).split('~');
  const parsed = Invitation.safeParse({ name, secret, host_key: `SHA256:${key ?? ''}` });
  return parsed.success ? parsed.data : undefined;
}
