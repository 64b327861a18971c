/** The tokens of the API in memory: each row that is shown may ask about one. What is stored of them is stored first. */
import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { createRepositoryMatcher } from '../config/repository-patterns.ts';
import { tokenMay, tokenState } from '../domain/api-token.ts';
import type { Bearer, IdentifyBearer } from '../ports/bearers.ts';
import type { MayRead, Reader } from '../ports/may-read.ts';
import type { StoredToken, TokenSecrets, TokenStore } from '../ports/token-store.ts';

export interface TokenRegistry {
  readonly identify: IdentifyBearer;
  /** Whether the reader's token is for this repository, and works at this moment. */
  readonly mayRead: MayRead;
  /** What is stored may have changed. */
  reload(): void;
}

// When a token was last used is shown to people: a minute is exact enough.
const USED_MS = 60_000;

interface KnownToken extends StoredToken {
  isFor(repository: RepositoryRef): boolean;
}

export function createTokenRegistry({
  store,
  secrets,
  clock,
  log,
}: {
  readonly store: TokenStore;
  readonly secrets: TokenSecrets;
  readonly clock: Clock;
  readonly log: Logger;
}): TokenRegistry {
  let tokens: readonly KnownToken[] = [];
  let byDigest = new Map<string, KnownToken>();
  const usedAt = new Map<string, number>();
  /** A reader lasts as long as its request: its token is looked for once. Null: it has none that we know. */
  const digestOf = new WeakMap<Reader, string | null>();

  function reload(): void {
    tokens = store.all().map((token) => {
      const matches = createRepositoryMatcher(token.repositories);
      return { ...token, isFor: ({ forge, slug }) => matches(`${forge}/${slug}`) };
    });
    byDigest = new Map(tokens.map((token) => [token.digest, token]));
  }
  reload();

  /** Each is compared, whichever it is. */
  function find(sent: string): KnownToken | undefined {
    const digest = secrets.digest(sent);
    let found: KnownToken | undefined;
    for (const token of tokens) {
      if (secrets.isSame(token.digest, digest)) {
        found = token;
      }
    }
    return found;
  }
  function noteUse({ digest }: KnownToken): void {
    const now = clock.now();
    if (now - (usedAt.get(digest) ?? 0) >= USED_MS) {
      usedAt.set(digest, now);
      void store
        .used(digest, now)
        .catch((error: unknown) => log.warn({ err: error }, 'when a token was last used is not stored'));
    }
  }
  function identify(sent: string): Bearer {
    const token = find(sent);
    if (token === undefined) {
      return { kind: 'unknown' };
    }
    const { name, digest } = token;
    const state = tokenState(token, clock.now());
    if (state !== 'works') {
      return { kind: 'dead', name, state };
    }
    noteUse(token);
    return {
      kind: 'token',
      name,
      key: digest,
      may: (right, repository) => tokenMay(token, right) && token.isFor(repository),
    };
  }

  return {
    identify,
    mayRead: (reader, repository) => {
      if (reader.bearer === null) {
        return false;
      }
      let digest = digestOf.get(reader);
      if (digest === undefined) {
        const bearer = identify(reader.bearer);
        digest = bearer.kind === 'token' ? bearer.key : null;
        digestOf.set(reader, digest);
      }
      // By its digest, so that a reader that lasts loses it when it is revoked, or its name is given to another.
      const token = digest === null ? undefined : byDigest.get(digest);
      return token !== undefined && tokenState(token, clock.now()) === 'works' && token.isFor(repository);
    },
    reload,
  };
}
