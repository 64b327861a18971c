/** With the real thread. */
import { createHmac } from 'node:crypto';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { afterEach, describe, expect, test } from 'vitest';
import type { DeliveringKind, SignedDelivery } from '../ports/delivery-reader.ts';
import { type ClosableReader, createDeliveryReader } from './delivery-reader.ts';

const SECRET = 'the secret of this hook';
const SHA = 'a'.repeat(40);

let reader: ClosableReader | undefined;
afterEach(async () => {
  await reader?.close();
});

function pushOf(padding = 0): Buffer {
  return Buffer.from(
    JSON.stringify({
      ref: 'refs/heads/main',
      before: 'b'.repeat(40),
      after: SHA,
      head_commit: null,
      repository: { full_name: 'demo/sample', private: false, default_branch: 'main' },
      padding: 'x'.repeat(padding),
    }),
  );
}

function signed(kind: DeliveringKind, body: Buffer, secret = SECRET): SignedDelivery {
  const digest = createHmac('sha256', secret).update(body).digest('hex');
  const headers =
    kind === 'github'
      ? { 'x-github-event': 'push', 'x-github-delivery': 'u1', 'x-hub-signature-256': `sha256=${digest}` }
      : { 'x-gitea-event': 'push', 'x-gitea-delivery': 'u1', 'x-gitea-signature': digest };
  return { kind, headers, body, secrets: [new Secret('of before'), new Secret(SECRET)], now: toEpochMs(0) };
}

describe('what was asked together', () => {
  test('is answered each for itself, whatever the kinds and sizes', async () => {
    const { read, peekSlug } = (reader = createDeliveryReader());
    const [github, forgejo, large, wrong, slug] = await Promise.all([
      read(signed('github', pushOf())),
      read(signed('forgejo', pushOf())),
      read(signed('github', pushOf(3_000_000))),
      read(signed('github', pushOf(3_000_000), 'another')),
      peekSlug('github', pushOf(3_000_000)),
    ]);

    const push = { kind: 'delivery', uid: 'u1', event: { kind: 'push', ref: 'refs/heads/main', sha: SHA } };
    expect([github, forgejo, large]).toMatchObject([push, push, push]);
    expect(wrong).toEqual({ kind: 'unsigned', verdict: 'bad' });
    expect(slug).toBe('demo/sample');
  });

  test('is judged on the very bytes, also where they are a part of others', async () => {
    const { read } = (reader = createDeliveryReader());
    const body = pushOf(500_000);
    const within = Buffer.concat([Buffer.from('before'), body, Buffer.from('behind')]);
    const part = within.subarray(6, 6 + body.length);

    await expect(read(signed('github', part))).resolves.toMatchObject({ kind: 'delivery' });
  });
});

test('a thread that hangs is ended, and who waits is told to come again', async () => {
  // It takes longer than that to start.
  const { read } = (reader = createDeliveryReader({ hangsMs: 1 }));
  const large = (): SignedDelivery => signed('github', pushOf(500_000));

  expect(await Promise.allSettled([read(large()), read(large())])).toMatchObject([
    { status: 'rejected', reason: { code: 'busy' } },
    { status: 'rejected', reason: { code: 'busy' } },
  ]);
  await expect(read(signed('github', pushOf()))).resolves.toMatchObject({ kind: 'delivery' });
});

test('after its thread ended it begins another', async () => {
  reader = createDeliveryReader();
  await reader.read(signed('github', pushOf(500_000)));
  await reader.close();

  await expect(reader.read(signed('github', pushOf(500_000)))).resolves.toMatchObject({ kind: 'delivery' });
});
