/** Tokens of the API, as the operator sees them. */
import { z } from 'zod';
import { TOKEN_RIGHTS } from '../domain/token-right.ts';

const Time = z.iso.datetime();

export const TOKEN_STATES = ['works', 'expired', 'revoked'] as const;

export const TokenView = z.object({
  name: z.string(),
  state: z.enum(TOKEN_STATES),
  may: z.array(z.enum(TOKEN_RIGHTS)),
  /** A glob over `forge/owner/name`. */
  repos: z.string(),
  created_at: Time,
  /** Null: it works until it is revoked. */
  expires_at: Time.nullable(),
  /** To the minute; null: never. */
  last_used_at: Time.nullable(),
  revoked_at: Time.nullable(),
});
export type TokenView = z.infer<typeof TokenView>;

export const NewTokenView = z.object({
  ...TokenView.shape,
  /** Told this once: only its digest is kept. */
  token: z.string(),
});
export type NewTokenView = z.infer<typeof NewTokenView>;
