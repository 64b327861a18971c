import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { BuilderOffer } from '../../domain/builder-offer.ts';
import type { BuilderStore, EnrolledBuilder } from '../../ports/builder-store.ts';
import type { Reader } from './open-database.ts';
import { sqlite } from './sql.ts';
import type { Tables } from './tables.ts';
import { statement, type Writer } from './writer.ts';

const words = z.array(z.string());
const StoredOffer = z.object({
  systems: words,
  emulatedSystems: words,
  features: words,
  mandatoryFeatures: words,
  isSandboxed: z.boolean(),
  slots: z.number(),
  speedFactor: z.number(),
});

const COLUMNS = [
  'name',
  'public_key',
  'former_name',
  'enrolled_at',
  'enrolled_by',
  'revoked_at',
  'drained_at',
  'last_seen_at',
  'offer',
  'nix_version',
] as const;

export function createBuilderStore(database: Reader & Writer): BuilderStore {
  const select = sqlite.selectFrom('builders').select(COLUMNS);

  return {
    all: () => database.all(select.orderBy('name')).map(toBuilder),
    byName: (name) => optional(database.first(select.where('name', '=', name))),
    byKey: (publicKey) => optional(database.first(select.where('public_key', '=', publicKey))),
    enroll: async ({ name, publicKey }, by, at) => {
      const builder = {
        name,
        public_key: publicKey,
        former_name: null,
        enrolled_at: at,
        enrolled_by: by.kind,
        revoked_at: null,
        drained_at: null,
        last_seen_at: at,
        offer: null,
        nix_version: null,
      };
      const result = await database.write([
        ...(by.kind === 'token'
          ? []
          : [
              {
                ...statement(
                  sqlite
                    .updateTable('invitations')
                    .set({ used_at: at })
                    .where('digest', '=', by.digest)
                    .where('name', '=', name)
                    .where('used_at', 'is', null)
                    .where('expires_at', '>', at),
                ),
                mustChange: true,
              },
            ]),
        {
          ...statement(
            sqlite
              .insertInto('builders')
              .values(builder)
              .onConflict((conflict) => conflict.doNothing()),
          ),
          mustChange: true,
        },
      ]);
      return result.kind === 'done';
    },
    seen: async (name, what, at) => {
      await database.write([
        statement(
          change(name).set({
            last_seen_at: at,
            ...(what === null ? {} : { offer: JSON.stringify(what.offer), nix_version: what.nixVersion }),
          }),
        ),
      ]);
    },
    setDrained: async (name, at) => {
      await database.write([statement(change(name).set({ drained_at: at }))]);
    },
    revoke: async (name, spentToken, at) => {
      await database.write([
        statement(change(name).set({ revoked_at: at }).where('revoked_at', 'is', null)),
        ...(spentToken === null
          ? []
          : [
              statement(
                sqlite
                  .insertInto('spent_tokens')
                  .values({ digest: spentToken, spent_at: at })
                  .onConflict((conflict) => conflict.doNothing()),
              ),
            ]),
      ]);
    },
    unrevoke: async (name) => {
      await database.write([statement(change(name).set({ revoked_at: null }))]);
    },
    rename: async (name, newName) => {
      const result = await database.write([
        {
          ...statement(
            change(name)
              .set({ name: newName, former_name: name })
              .where(({ not, exists, selectFrom }) =>
                not(
                  exists(
                    selectFrom('builders as other').select('other.name').where('other.name', '=', newName),
                  ),
                ),
              ),
          ),
          mustChange: true,
        },
        statement(
          sqlite
            .updateTable('leases')
            .set({ builder: newName })
            .where('builder', '=', name)
            .where(sql<boolean>`state = 'active'`),
        ),
      ]);
      return result.kind === 'done';
    },
    remove: async (name) => {
      await database.write([statement(sqlite.deleteFrom('builders').where('name', '=', name))]);
    },
    isSpent: (digest) =>
      database.first(sqlite.selectFrom('spent_tokens').select('digest').where('digest', '=', digest)) !==
      undefined,
    invite: async (digest, { name, expiresAt }, at) => {
      await database.write([
        // One invitation for a name at a time: the newest.
        statement(sqlite.deleteFrom('invitations').where('name', '=', name).where('used_at', 'is', null)),
        statement(sqlite.deleteFrom('invitations').where('expires_at', '<', at)),
        statement(
          sqlite
            .insertInto('invitations')
            .values({ digest, name, created_at: at, expires_at: expiresAt, used_at: null }),
        ),
      ]);
    },
    invitation: (digest) => {
      const row = database.first(
        sqlite
          .selectFrom('invitations')
          .select(['name', 'expires_at', 'used_at'])
          .where('digest', '=', digest),
      );
      return row === undefined
        ? undefined
        : { name: row.name, expiresAt: toEpochMs(row.expires_at), usedAt: orNull(row.used_at) };
    },
  };
}

function change(name: string) {
  return sqlite.updateTable('builders').where('name', '=', name);
}

function optional(row: Selectable<Tables['builders']> | undefined): EnrolledBuilder | undefined {
  return row === undefined ? undefined : toBuilder(row);
}

function toBuilder(row: Selectable<Tables['builders']>): EnrolledBuilder {
  return {
    name: row.name,
    publicKey: row.public_key,
    formerName: row.former_name,
    enrolledAt: toEpochMs(row.enrolled_at),
    enrolledBy: row.enrolled_by,
    revokedAt: orNull(row.revoked_at),
    drainedAt: orNull(row.drained_at),
    lastSeenAt: orNull(row.last_seen_at),
    offer: parseOffer(row.offer),
    nixVersion: row.nix_version,
  };
}

function orNull(at: number | null): EpochMs | null {
  return at === null ? null : toEpochMs(at);
}

function parseOffer(text: string | null): BuilderOffer | null {
  return text === null ? null : StoredOffer.parse(JSON.parse(text));
}
