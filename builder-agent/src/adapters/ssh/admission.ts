/** With what this builder comes to the coordinator: its key, a token for the first time, and how it knows the host. */
import type { Logger } from '@argunix/shared/kit/logger';
import { openSecret, Secret } from '@argunix/shared/kit/secret';
import { type Invitation, parseInvitation } from '@argunix/shared/protocol/invitation';
import { type ExpectedHostKey, type HostKeyVerdict, judgeHostKey } from '../../domain/host-key.ts';
import type { HostKeyPin } from './host-key-pin.ts';

export interface Credentials {
  readonly privateKey: Secret;
  readonly token: Secret | null;
  readonly judgeHost: (fingerprint: string) => HostKeyVerdict;
}

export interface Admission {
  /** Read anew each time: a token may have been replaced. */
  forControl(): Promise<Credentials>;
  /** The key alone: whoever has a control connection is known. */
  forBulk(): Promise<Credentials>;
  /** The host with this key let us in. */
  met(hostKey: string): Promise<void>;
}

export interface AdmissionOptions {
  readonly privateKey: Secret;
  readonly token: EnrollmentToken;
  readonly pin: HostKeyPin;
  readonly givenHostKey: string | null;
  readonly trustsFirst: boolean;
}

export function createAdmission({
  privateKey,
  token,
  pin,
  givenHostKey,
  trustsFirst,
}: AdmissionOptions): Admission {
  async function expected(invitation: Invitation | null): Promise<ExpectedHostKey> {
    return {
      given: givenHostKey,
      invited: invitation?.host_key ?? null,
      pinned: await pin.read(),
      pinFile: pin.path,
      trustsFirst,
    };
  }
  async function credentials(withToken: boolean): Promise<Credentials> {
    const read = await token.read();
    const host = await expected(read?.invitation ?? null);
    return {
      privateKey,
      token: withToken ? (read?.secret ?? null) : null,
      judgeHost: (fingerprint) => judgeHostKey(host, fingerprint),
    };
  }
  return {
    forControl: () => credentials(true),
    forBulk: () => credentials(false),
    async met(hostKey) {
      if ((await pin.read().catch(() => null)) !== hostKey) {
        await pin.write(hostKey);
      }
    },
  };
}

export interface EnrollmentToken {
  /** Null where there is none. */
  read(): Promise<{ readonly secret: Secret; readonly invitation: Invitation | null } | null>;
}

/** `path` null: none was given. A file that is missing is no trouble for a builder that is known already. */
export function createEnrollmentToken(path: string | null, log: Logger): EnrollmentToken {
  let hasWarned = false;
  return {
    async read() {
      const file = path === null ? undefined : await openSecret(path);
      if (file === undefined) {
        return null;
      }
      if (file.kind === 'refused') {
        if (!hasWarned) {
          log.warn(
            { problem: file.problem },
            'there is no enrollment token; the key of this builder has to be enough',
          );
        }
        hasWarned = true;
        return null;
      }
      const invitation = parseInvitation(file.secret.reveal().trim()) ?? null;
      return {
        // The coordinator knows the secret of an invitation, not its text.
        secret: invitation === null ? file.secret : new Secret(invitation.secret),
        invitation,
      };
    },
  };
}
