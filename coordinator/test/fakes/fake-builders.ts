/** Enrolled builders that are as they are told to be, and an administration that remembers what was asked. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { AdministeredBuilders } from '../../src/adapters/http/builder-command-routes.ts';
import type { BuilderAdministration } from '../../src/flows/administer-builders.ts';
import type { BuilderPresence, Presence, Transfer } from '../../src/ports/builder-presence.ts';
import type { EnrolledBuilder } from '../../src/ports/builder-store.ts';

const AT = toEpochMs(Date.parse('2026-03-01T12:00:00.000Z'));
export const HOST_KEY = 'SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDUpyMRj2zLxmA3VTo';
export const TOKEN = 'argunix-invitation-1.rack-3~abcdefghijklmnopqrstuvwx~uNiVztks';

export interface FakeBuilders {
  readonly enrolled?: readonly EnrolledBuilder[];
  readonly presences?: readonly Presence[];
  readonly refusals?: ReturnType<BuilderPresence['refusals']>;
  readonly hostKey?: string | null;
  readonly address?: string | null;
  readonly answers?: Partial<BuilderAdministration>;
}

export function createFakeBuilders({
  enrolled = [],
  presences = [],
  refusals = [],
  hostKey = null,
  address = hostKey === null ? null : '0.0.0.0:2222',
  answers = {},
}: FakeBuilders = {}): AdministeredBuilders & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  function done<Done extends object>(
    verb: string,
    what: Done,
  ): (...args: unknown[]) => Promise<Done & { readonly kind: 'done' }> {
    return (...args) => {
      asked.push([verb, ...args]);
      return Promise.resolve({ kind: 'done', ...what });
    };
  }
  return {
    asked,
    enrolled: () => enrolled,
    presence: {
      of: (name) => presences.find((one) => one.name === name),
      refusals: () => refusals,
      address,
    },
    hostKey,
    administration: {
      invite: done('invite', { token: TOKEN, expiresAt: AT }),
      drain: done('drain', { message: 'It is drained.' }),
      resume: done('resume', { message: 'It gets work again.' }),
      rename: done('rename', { message: 'It is renamed.' }),
      revoke: done('revoke', { message: 'It is revoked.' }),
      unrevoke: done('unrevoke', { message: 'It may come back.' }),
      remove: done('remove', { message: 'It is removed.' }),
      ...answers,
    },
  };
}

export function enrolledBuilder(given: Partial<EnrolledBuilder> = {}): EnrolledBuilder {
  return {
    name: 'rack-1',
    publicKey: Buffer.from('a key').toString('base64'),
    formerName: null,
    enrolledAt: AT,
    enrolledBy: 'invitation',
    revokedAt: null,
    drainedAt: null,
    lastSeenAt: AT,
    offer: {
      systems: ['x86_64-linux'],
      emulatedSystems: [],
      features: ['big-parallel'],
      mandatoryFeatures: [],
      isSandboxed: true,
      slots: 8,
      speedFactor: 1,
    },
    nixVersion: '2.31.2',
    ...given,
  };
}

export function presence(given: Partial<Presence> = {}): Presence {
  return {
    name: 'rack-1',
    isConnected: true,
    since: AT,
    lossReason: null,
    agentVersion: '0.1.0',
    roundTripMs: 3.4,
    heardAt: AT,
    stats: {
      load_1: 5.25,
      cores: 16,
      memory_used_bytes: 12_884_901_888,
      memory_total_bytes: 68_719_476_736,
      disk_free_bytes: 214_748_364_800,
      disk_total_bytes: 1_099_511_627_776,
      building: 3,
    },
    pause: null,
    transfers: [],
    ...given,
  };
}

export function transfer(given: Partial<Transfer> = {}): Transfer {
  return {
    direction: 'push',
    leases: [],
    step: 'sending',
    pathsDone: 3,
    pathsTotal: 14,
    bytesDone: 734_003_200,
    bytesTotal: 2_147_483_648,
    bytesPerSecond: 52_428_800,
    startedAt: AT,
    ...given,
  };
}
