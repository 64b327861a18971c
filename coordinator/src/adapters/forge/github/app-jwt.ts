/** The signed claim to be a GitHub App, with which installations and their tokens are asked for. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AppError } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import { Secret } from '@argunix/shared/kit/secret';
import { SignJWT } from 'jose';
import { keepSecret } from '../kept-secret.ts';

// GitHub refuses more than 10 minutes, and an `iat` that its own clock has not reached.
const BACKDATED_S = 60;
const LIFETIME_S = 600;
const REUSED_MS = 5 * 60_000;

export interface AppJwt {
  readonly get: () => Promise<Secret>;
  readonly forget: () => void;
}

export function createAppJwt(options: {
  readonly forge: string;
  readonly appId: number;
  readonly readKey: () => Promise<Secret>;
  readonly clock: Clock;
}): AppJwt {
  const { forge, appId, clock } = options;
  const pem = keepSecret(forge, 'the private key of the App', options.readKey);
  let made: { readonly jwt: Secret; readonly at: number } | undefined;
  return {
    get: async () => {
      const now = clock.now();
      if (made !== undefined && now >= made.at && now - made.at < REUSED_MS) {
        return made.jwt;
      }
      const jwt = await sign(toKey(forge, await pem.get()), appId, now);
      made = { jwt, at: now };
      return jwt;
    },
    forget: () => {
      pem.forget();
      made = undefined;
    },
  };
}

async function sign(key: KeyObject, appId: number, nowMs: number): Promise<Secret> {
  const issuedAt = Math.floor(nowMs / 1000) - BACKDATED_S;
  const jwt = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(String(appId))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_S)
    .sign(key);
  return new Secret(jwt);
}

/** PKCS#1, as GitHub gives it, or PKCS#8, as some convert it. No sentence holds anything of the key. */
function toKey(forge: string, pem: Secret): KeyObject {
  try {
    const key = createPrivateKey(pem.reveal());
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (key.asymmetricKeyType === 'rsa' && bits >= 2048) {
      return key;
    }
  } catch (error) {
    throw notAKey(forge, error);
  }
  throw notAKey(forge);
}

function notAKey(forge: string, cause?: unknown): AppError {
  return new AppError(
    'forge.unauthorized',
    `${forge}: expected the private key of the App to be an RSA key of 2048 bits or more, in PEM.`,
    { forge },
    cause,
  );
}
