/**
 * Whether GitLab sent a delivery. With a signing token it signs as Standard Webhooks say: HMAC-SHA256 over
 * `id.timestamp.body`, in `webhook-signature`. Without one it sends the secret token itself in `X-Gitlab-Token`. A
 * delivery that bears a signature is judged by that alone.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Secret } from '@argunix/shared/kit/secret';
import type { DeliveryHeaders, SignatureVerdict } from '../../../ports/forge-deliveries.ts';
import { deliveryHeader } from '../delivery-header.ts';

// Standard Webhooks leave the tolerance open; five minutes is what their libraries use.
const FRESH_MS = 5 * 60_000;
// One for each key that is being changed is usual; more than some are somebody's try.
const MOST_SIGNATURES = 10;
// GitLab's are of 32 bytes. What decodes to a few would be a key that can be guessed.
const LEAST_KEY_BYTES = 16;

export function judgeGitLabSignature(
  headers: DeliveryHeaders,
  body: Buffer,
  secrets: readonly Secret[],
  now: EpochMs,
): SignatureVerdict {
  const signatures = deliveryHeader(headers, 'webhook-signature');
  if (signatures === undefined || signatures === '') {
    return judgeToken(deliveryHeader(headers, 'x-gitlab-token'), secrets);
  }
  const id = deliveryHeader(headers, 'webhook-id') ?? '';
  const timestamp = deliveryHeader(headers, 'webhook-timestamp') ?? '';
  if (id === '' || !/^\d{1,12}$/.test(timestamp)) {
    return 'bad';
  }
  const given = signatures
    .split(' ', MOST_SIGNATURES)
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'));
  let isGood = false;
  // Every key is tried on every signature, so that the time does not tell which one fits.
  for (const key of secrets.flatMap(keysOf)) {
    const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    for (const signature of given) {
      isGood = (signature.length === wanted.length && timingSafeEqual(signature, wanted)) || isGood;
    }
  }
  if (!isGood) {
    return 'bad';
  }
  return Math.abs(now - Number(timestamp) * 1000) > FRESH_MS ? 'stale' : 'good';
}

function judgeToken(token: string | undefined, secrets: readonly Secret[]): SignatureVerdict {
  if (token === undefined || token === '') {
    return 'missing';
  }
  const given = digest(token);
  let isGood = false;
  for (const secret of secrets) {
    // Digests have one length, so the time tells nothing of the secret's.
    isGood = timingSafeEqual(digest(secret.reveal()), given) || isGood;
  }
  return isGood ? 'good' : 'bad';
}

/** A signing token is `whsec_` and the key in base64; a secret may also be that base64 alone, or the key as it stands. */
function keysOf(secret: Secret): readonly Buffer[] {
  const text = secret.reveal();
  const encoded = text.startsWith('whsec_') ? text.slice('whsec_'.length) : text;
  const decoded = /^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.alloc(0);
  return decoded.length < LEAST_KEY_BYTES ? [Buffer.from(text)] : [Buffer.from(text), decoded];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
