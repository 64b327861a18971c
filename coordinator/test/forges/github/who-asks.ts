/** Who may ask the stand-in for what: a token, an App by its signed claim, or one of its installations. */
import { createVerify, type KeyObject } from 'node:crypto';
import type { Clock } from '@argunix/shared/kit/clock';
import { z } from 'zod';
import type { SeenRequest } from '../stand-in-server.ts';

export const APP_ID = 123_456;
const HOUR_MS = 3_600_000;

export interface InstallationToken {
  readonly text: string;
  readonly installation: number;
  readonly expiresAt: number;
  /** Null: everything that the installation may. */
  readonly repositories: readonly string[] | null;
  readonly isReadOnly: boolean;
}

export type Asking =
  | { readonly kind: 'token' }
  | { readonly kind: 'app' }
  | { readonly kind: 'installation'; readonly token: InstallationToken }
  | { readonly kind: 'nobody'; readonly why: string };

const Claims = z.object({ iss: z.string(), iat: z.number(), exp: z.number() });

export interface Doorkeeper {
  readonly whoAsks: (request: SeenRequest) => Asking;
  readonly giveToken: (installation: number, body: unknown) => InstallationToken;
  readonly acceptToken: (token: string) => void;
  readonly acceptKey: (key: KeyObject) => void;
  readonly revokeInstallationTokens: () => void;
  readonly given: readonly InstallationToken[];
}

export function createDoorkeeper(clock: Clock): Doorkeeper {
  let accepted: string | undefined;
  let key: KeyObject | undefined;
  let valid: InstallationToken[] = [];
  const given: InstallationToken[] = [];

  function judgeJwt(jwt: string): Asking {
    const [header = '', claims = '', signature = ''] = jwt.split('.');
    const verifier = createVerify('RSA-SHA256').update(`${header}.${claims}`);
    if (key === undefined || !verifier.verify(key, signature, 'base64url')) {
      return { kind: 'nobody', why: 'the signature is of no App' };
    }
    const { iss, iat, exp } = Claims.parse(JSON.parse(Buffer.from(claims, 'base64url').toString()));
    const now = clock.now() / 1000;
    if (iss !== String(APP_ID) || iat > now || exp <= now || exp > now + 600) {
      return { kind: 'nobody', why: 'the claims are of another App or time' };
    }
    return { kind: 'app' };
  }

  return {
    whoAsks: ({ headers }) => {
      const bearer = /^Bearer (\S+)$/.exec(String(headers['authorization']))?.[1];
      if (bearer === undefined) {
        return { kind: 'nobody', why: 'there is no bearer' };
      }
      if (bearer.split('.').length === 3) {
        return judgeJwt(bearer);
      }
      const token = valid.find(({ text }) => text === bearer);
      if (token !== undefined && token.expiresAt > clock.now()) {
        return { kind: 'installation', token };
      }
      return bearer === accepted ? { kind: 'token' } : { kind: 'nobody', why: 'the token is unknown' };
    },
    giveToken: (installation, body) => {
      const asked = z
        .object({
          repositories: z.array(z.string()).nullable().default(null),
          permissions: z.unknown().optional(),
        })
        .parse(body ?? {});
      const token = {
        text: `ghs_installation${installation}number${given.length + 1}`,
        installation,
        expiresAt: clock.now() + HOUR_MS,
        repositories: asked.repositories,
        isReadOnly: asked.permissions !== undefined,
      };
      given.push(token);
      valid.push(token);
      return token;
    },
    acceptToken: (token) => {
      accepted = token;
    },
    acceptKey: (next) => {
      key = next;
      valid = [];
    },
    revokeInstallationTokens: () => {
      valid = [];
    },
    given,
  };
}
