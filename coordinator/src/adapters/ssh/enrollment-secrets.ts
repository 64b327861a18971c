import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readSecret } from '@argunix/shared/kit/secret';
import type { EnrollmentSecrets } from '../../ports/enrollment-secrets.ts';

export function createEnrollmentSecrets(options: {
  /** Null: only invitations let anybody in. Asked each time, as the file is read. */
  readonly tokenPath: () => string | null;
  readonly hostKey: string;
}): EnrollmentSecrets {
  const { tokenPath, hostKey } = options;
  return {
    hostKey,
    digest: (secret) => hash(secret).toString('hex'),
    make: () => randomBytes(32).toString('base64url'),
    // Digests are of one length, whatever is compared.
    isSame: (one, other) => timingSafeEqual(hash(one), hash(other)),
    sharedToken: async () => {
      const path = tokenPath();
      return path === null ? null : (await readSecret(path)).reveal();
    },
  };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
