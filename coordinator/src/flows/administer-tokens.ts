/** What an operator decides about tokens of the API. Stored first; it holds from the next request on. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { TokenRight } from '@argunix/shared/domain/token-right';
import type { Clock } from '@argunix/shared/kit/clock';
import { type ApiToken, tokenState } from '../domain/api-token.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { TokenSecrets, TokenStore } from '../ports/token-store.ts';

export interface TokenPorts {
  readonly tokens: TokenStore;
  readonly secrets: TokenSecrets;
  readonly clock: Clock;
  /** What is stored is not what it was. */
  readonly onChange: () => void;
}

export interface TokenWish {
  readonly name: string;
  readonly rights: readonly TokenRight[];
  readonly repositories: string;
  /** Null: it works until it is revoked. */
  readonly validMs: number | null;
}

export interface TokenAdministration {
  all(): readonly ApiToken[];
  /** The token itself is in this answer and nowhere else. */
  create(wish: TokenWish): Promise<CommandVerdict<{ readonly token: string; readonly made: ApiToken }>>;
  revoke(name: string): Promise<CommandVerdict<{ readonly revoked: ApiToken }>>;
}

export function administerTokens({ tokens, secrets, clock, onChange }: TokenPorts): TokenAdministration {
  const named = (name: string): ApiToken | undefined => tokens.all().find((one) => one.name === name);
  return {
    all: () => tokens.all(),
    create: async ({ name, rights, repositories, validMs }) => {
      const token = secrets.make();
      const now = clock.now();
      const expiresAt = validMs === null ? null : toEpochMs(now + validMs);
      const digest = secrets.digest(token);
      if (
        !(await tokens.create({ name, digest, rights: [...new Set(rights)], repositories, expiresAt }, now))
      ) {
        return {
          kind: 'refused',
          reason: `There is a token ${name} that works. Revoke it first, or take another name.`,
        };
      }
      onChange();
      const made = named(name);
      if (made === undefined) {
        throw new Error(`token ${name} is not there after it was stored`);
      }
      return { kind: 'done', token, made };
    },
    revoke: async (name) => {
      const known = named(name);
      if (known === undefined) {
        return { kind: 'not_found' };
      }
      const isRevoked = await tokens.revoke(name, clock.now());
      onChange();
      const revoked = named(name) ?? known;
      return isRevoked || tokenState(known, clock.now()) === 'expired'
        ? { kind: 'done', revoked }
        : { kind: 'refused', reason: `The token ${name} was revoked before.` };
    },
  };
}
