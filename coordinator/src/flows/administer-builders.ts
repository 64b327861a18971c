/** What an operator decides about builders. Stored first, then told to those who are connected. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { BuilderName } from '@argunix/shared/protocol/builder-name';
import { invitationText } from '@argunix/shared/protocol/invitation';
import type { BuilderDoor } from '../ports/builder-presence.ts';
import type { EnrolledBuilder } from '../ports/builder-store.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { EnrollPorts } from './enroll-builder.ts';

export interface AdministerPorts extends EnrollPorts {
  readonly door: BuilderDoor;
}

type Verdict = CommandVerdict<{ readonly message: string }>;

export interface BuilderAdministration {
  invite(
    name: string,
    validMs: number,
  ): Promise<CommandVerdict<{ readonly token: string; readonly expiresAt: number }>>;
  drain(name: string): Promise<Verdict>;
  resume(name: string): Promise<Verdict>;
  rename(name: string, newName: string): Promise<Verdict>;
  revoke(name: string): Promise<Verdict>;
  unrevoke(name: string): Promise<Verdict>;
  remove(name: string): Promise<Verdict>;
}

export function administerBuilders(ports: AdministerPorts): BuilderAdministration {
  const { builders, secrets, door, clock } = ports;

  async function withBuilder(
    name: string,
    act: (builder: EnrolledBuilder) => Promise<Verdict>,
  ): Promise<Verdict> {
    if (ports.ownBuilders.includes(name)) {
      return {
        kind: 'refused',
        reason: `${name} is a builder of this host: the configuration says what it does (local_builds, local_builders).`,
      };
    }
    const builder = builders.byName(name);
    return builder === undefined ? { kind: 'not_found' } : await act(builder);
  }
  function judgeName(name: string): string | undefined {
    if (!BuilderName.safeParse(name).success) {
      return `Expected a name of 1 to 64 letters, digits and . _ -, got ${JSON.stringify(name.slice(0, 100))}.`;
    }
    return ports.ownBuilders.includes(name) || builders.byName(name) !== undefined
      ? `There is a builder ${name} already.`
      : undefined;
  }

  /** The shared token, which a builder that is shut out could come back with under another key. */
  async function whatItMayKnow(): Promise<{ readonly digest: string | null; readonly sentence: string }> {
    try {
      const shared = await secrets.sharedToken();
      return shared === null
        ? { digest: null, sentence: '' }
        : {
            digest: secrets.digest(shared),
            sentence:
              ' The shared enrollment token, which it may know, enrolls nobody until its file changes.',
          };
    } catch {
      // A file that cannot be read must not keep a builder in; what is left to do, only the operator can.
      return {
        digest: null,
        sentence:
          ' The shared enrollment token, which it may know, could not be read and so could not be shut out: put another one into its file.',
      };
    }
  }

  return {
    invite: async (name, validMs) => {
      const reason = judgeName(name);
      if (reason !== undefined) {
        return { kind: 'refused', reason: `${reason} A name is free again once its builder is removed.` };
      }
      const secret = secrets.make();
      const expiresAt = toEpochMs(clock.now() + validMs);
      await builders.invite(secrets.digest(secret), { name, expiresAt }, clock.now());
      return {
        kind: 'done',
        token: invitationText({ name, secret, host_key: secrets.hostKey }),
        expiresAt,
      };
    },
    drain: (name) =>
      withBuilder(name, async ({ drainedAt }) => {
        await builders.setDrained(name, drainedAt ?? clock.now());
        door.drained(name, true);
        return {
          kind: 'done',
          message: `${name} finishes what it has and gets nothing new, until: argunixctl builders resume ${name}`,
        };
      }),
    resume: (name) =>
      withBuilder(name, async ({ drainedAt }) => {
        await builders.setDrained(name, null);
        door.drained(name, false);
        return {
          kind: 'done',
          message:
            drainedAt === null
              ? `${name} was not drained. What else keeps it from work: argunixctl builders show ${name}`
              : `${name} gets work again.`,
        };
      }),
    rename: (name, newName) =>
      withBuilder(name, async () => {
        const reason = judgeName(newName);
        if (reason !== undefined) {
          return { kind: 'refused', reason };
        }
        if (door.isBusy(name)) {
          return {
            kind: 'refused',
            reason: `${name} has work under its name. Drain it (argunixctl builders drain ${name}), and rename it when it is idle.`,
          };
        }
        if (!(await builders.rename(name, newName))) {
          return { kind: 'refused', reason: `There is a builder ${newName} already.` };
        }
        door.renamed(name, newName);
        return {
          kind: 'done',
          message: `${name} is ${newName} now. Its agent may go on calling itself ${name}.`,
        };
      }),
    revoke: (name) =>
      withBuilder(name, async ({ revokedAt }) => {
        // A second time would spend the token that the operator changed since.
        if (revokedAt !== null) {
          return { kind: 'refused', reason: `${name} is revoked already.` };
        }
        const { digest, sentence } = await whatItMayKnow();
        await builders.revoke(name, digest, clock.now());
        door.hangUp(name, {
          code: 'revoked',
          reason: `Builder ${name} was revoked by an operator.`,
        });
        door.removed(name);
        return {
          kind: 'done',
          message: `${name} is revoked: its key opens nothing any more, and what it was building is given to others.${sentence}`,
        };
      }),
    unrevoke: (name) =>
      withBuilder(name, async ({ revokedAt }) => {
        if (revokedAt === null) {
          return { kind: 'refused', reason: `${name} is not revoked.` };
        }
        await builders.unrevoke(name);
        return { kind: 'done', message: `${name} may come back: its agent has to be started again.` };
      }),
    remove: (name) =>
      withBuilder(name, async () => {
        await builders.remove(name);
        door.hangUp(name, {
          code: 'not-invited',
          reason: `Builder ${name} was removed by an operator.`,
        });
        door.removed(name);
        return {
          kind: 'done',
          message: `${name} is removed: what it was building is given to others, and its name is free.`,
        };
      }),
  };
}
