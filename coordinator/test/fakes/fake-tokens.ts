/** Tokens over an array, with the real registry and the real cryptography. */
import type { Clock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { tokenSecrets } from '../../src/adapters/tokens/token-secrets.ts';
import { createTokenRegistry, type TokenRegistry } from '../../src/compose/token-registry.ts';
import { tokenState } from '../../src/domain/api-token.ts';
import { administerTokens, type TokenAdministration } from '../../src/flows/administer-tokens.ts';
import type { StoredToken, TokenStore } from '../../src/ports/token-store.ts';

export function createFakeTokenStore(): TokenStore {
  const rows = new Map<string, StoredToken>();
  return {
    all: () => [...rows.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    create: (token, at) => {
      const known = rows.get(token.name);
      if (known !== undefined && tokenState(known, at) === 'works') {
        return Promise.resolve(false);
      }
      rows.set(token.name, { ...token, createdAt: at, lastUsedAt: null, revokedAt: null });
      return Promise.resolve(true);
    },
    revoke: (name, at) => {
      const known = rows.get(name);
      if (known?.revokedAt !== null) {
        return Promise.resolve(false);
      }
      rows.set(name, { ...known, revokedAt: at });
      return Promise.resolve(true);
    },
    used: (digest, at) => {
      const known = [...rows.values()].find((one) => one.digest === digest);
      if (known !== undefined) {
        rows.set(known.name, { ...known, lastUsedAt: at });
      }
      return Promise.resolve();
    },
  };
}

export interface FakeTokens {
  readonly administration: TokenAdministration;
  readonly registry: TokenRegistry;
}

export function createFakeTokens(clock: Clock, store = createFakeTokenStore()): FakeTokens {
  const registry = createTokenRegistry({ store, secrets: tokenSecrets, clock, log: silentLogger });
  const administration = administerTokens({
    tokens: store,
    secrets: tokenSecrets,
    clock,
    onChange: () => registry.reload(),
  });
  return { registry, administration };
}
