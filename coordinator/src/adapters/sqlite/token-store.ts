import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { TOKEN_RIGHTS } from '@argunix/shared/domain/token-right';
import type { Selectable } from 'kysely';
import type { StoredToken, TokenStore } from '../../ports/token-store.ts';
import { parseStrings } from './columns.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { guarded, statement, type Writer } from './writer.ts';

export function createTokenStore(database: Reader & Writer): TokenStore {
  return {
    all: () => database.all(sqlite.selectFrom('api_tokens').selectAll().orderBy('name')).map(toToken),
    create: async ({ name, digest, rights, repositories, expiresAt }, at) => {
      const made = {
        digest,
        rights: JSON.stringify(rights),
        repositories,
        created_at: at,
        expires_at: expiresAt,
        last_used_at: null,
        revoked_at: null,
      };
      const result = await database.write([
        guarded(
          sqlite
            .insertInto('api_tokens')
            .values({ name, ...made })
            .onConflict((conflict) =>
              conflict
                .column('name')
                .doUpdateSet(made)
                .where(({ or, eb }) =>
                  or([eb('api_tokens.revoked_at', 'is not', null), eb('api_tokens.expires_at', '<=', at)]),
                ),
            ),
        ),
      ]);
      return result.kind === 'done';
    },
    revoke: async (name, at) => {
      const result = await database.write([
        guarded(
          sqlite
            .updateTable('api_tokens')
            .set({ revoked_at: at })
            .where('name', '=', name)
            .where('revoked_at', 'is', null),
        ),
      ]);
      return result.kind === 'done';
    },
    used: async (digest, at) => {
      await database.write([
        statement(sqlite.updateTable('api_tokens').set({ last_used_at: at }).where('digest', '=', digest)),
      ]);
    },
  };
}

function toToken(row: Selectable<Tables['api_tokens']>): StoredToken {
  const rights = parseStrings(row.rights);
  return {
    name: row.name,
    digest: row.digest,
    // One that this version does not know opens nothing.
    rights: TOKEN_RIGHTS.filter((right) => rights.includes(right)),
    repositories: row.repositories,
    createdAt: toEpochMs(row.created_at),
    expiresAt: orNull(row.expires_at),
    lastUsedAt: orNull(row.last_used_at),
    revokedAt: orNull(row.revoked_at),
  };
}

function orNull(at: number | null): EpochMs | null {
  return at === null ? null : toEpochMs(at);
}
