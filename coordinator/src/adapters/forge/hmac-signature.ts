/** HMAC-SHA256 over the body, as GitHub, Gitea and Forgejo sign. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '@argunix/shared/kit/secret';
import type { SignatureVerdict } from '../../ports/forge-deliveries.ts';

/** `given`: 64 hex digits, or undefined where the header is missing or is of another form. */
export function judgeHmac(
  given: string | undefined,
  body: Buffer,
  secrets: readonly Secret[],
): SignatureVerdict {
  if (given === undefined) {
    return 'missing';
  }
  if (!/^[0-9a-f]{64}$/i.test(given)) {
    return 'bad';
  }
  const wanted = Buffer.from(given, 'hex');
  let isGood = false;
  for (const secret of secrets) {
    // Every secret is tried, so that the time does not tell which one fits.
    isGood = timingSafeEqual(createHmac('sha256', secret.reveal()).update(body).digest(), wanted) || isGood;
  }
  return isGood ? 'good' : 'bad';
}
