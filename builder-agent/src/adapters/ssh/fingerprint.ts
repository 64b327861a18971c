import { createHash } from 'node:crypto';

/** As `ssh-keygen -l` says it. */
export function fingerprintOf(publicKey: Buffer): string {
  return `SHA256:${createHash('sha256').update(publicKey).digest('base64').replace(/=+$/, '')}`;
}
