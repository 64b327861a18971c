/** With the real thread. */
import { createHmac } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { silentLogger } from '@argunix/shared/kit/logger';
import { Secret } from '@argunix/shared/kit/secret';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../test/until.ts';
import type { DeliveringKind, ReadDelivery, SignedDelivery } from '../ports/delivery-reader.ts';
import { type ClosableReader, createDeliveryReader } from './delivery-reader.ts';
import { dialectOf } from './dialects.ts';

const SECRET = 'the secret of this hook';
const SHA = 'a'.repeat(40);

const warnings: string[] = [];
const log = { ...silentLogger, warn: (_details: object, message: string) => void warnings.push(message) };
let reader: ClosableReader | undefined;
beforeEach(() => {
  warnings.length = 0;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await reader?.close();
});

function threads(): number {
  return readdirSync('/proc/self/task').length;
}

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
    const { read, peekSlug } = (reader = createDeliveryReader({ log }));
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
    const { read } = (reader = createDeliveryReader({ log }));
    const body = pushOf(500_000);
    const within = Buffer.concat([Buffer.from('before'), body, Buffer.from('behind')]);
    const part = within.subarray(6, 6 + body.length);

    await expect(read(signed('github', part))).resolves.toMatchObject({ kind: 'delivery' });
  });
});

test('a thread that hangs is ended, and who waits is told to come again', async () => {
  // It takes longer than that to start.
  const { read } = (reader = createDeliveryReader({ log, hangsMs: 1 }));
  const large = (): SignedDelivery => signed('github', pushOf(500_000));

  expect(await Promise.allSettled([read(large()), read(large())])).toMatchObject([
    { status: 'rejected', reason: { code: 'busy' } },
    { status: 'rejected', reason: { code: 'busy' } },
  ]);
  await expect(read(signed('github', pushOf()))).resolves.toMatchObject({ kind: 'delivery' });
  expect(warnings).toEqual([
    'the thread that reads deliveries ended; whatever needs it next begins it again',
  ]);
});

test('after its thread ended it begins another', async () => {
  reader = createDeliveryReader({ log });
  await reader.read(signed('github', pushOf(500_000)));
  await reader.close();

  await expect(reader.read(signed('github', pushOf(500_000)))).resolves.toMatchObject({ kind: 'delivery' });
});

test('a thread that nobody asks ends, without a word, and is there again for who asks', async () => {
  const { read } = (reader = createDeliveryReader({ log, idleMs: 50 }));
  const readLarge = async (): Promise<string> => (await read(signed('github', pushOf(500_000)))).kind;
  expect(await readLarge()).toBe('delivery');
  const most = threads();
  await until('it has ended', () => threads() < most);

  expect(await readLarge()).toBe('delivery');
  expect(warnings).toEqual([]);
});

describe('a crowd', () => {
  const MANY = 60;

  /** How many of them were read in this thread. */
  async function readCrowd(
    { read }: ClosableReader,
    deliveries: readonly SignedDelivery[],
  ): Promise<{ readonly answers: readonly ReadDelivery[]; readonly here: number }> {
    const judged = vi.spyOn(await dialectOf('github'), 'judgeSignature');
    const answers = await Promise.all(deliveries.map((one) => read(one)));
    const here = judged.mock.calls.length;
    judged.mockRestore();
    return { answers, here };
  }
  function crowd(padding = 0): readonly SignedDelivery[] {
    return Array.from({ length: MANY }, (_, at) =>
      signed('github', pushOf(padding + at), at % 7 === 3 ? 'another' : SECRET),
    );
  }
  const expected = Array.from({ length: MANY }, (_, at) => (at % 7 === 3 ? 'unsigned' : 'delivery'));
  async function untilShared(shared: ClosableReader): Promise<void> {
    await until('its thread reads a part', async () => (await readCrowd(shared, crowd())).here < MANY);
  }

  test('is read by a thread, too, once there is one, each delivery for itself', async () => {
    reader = createDeliveryReader({ log });
    const first = await readCrowd(reader, crowd());
    await untilShared(reader);
    const later = await readCrowd(reader, crowd());

    expect(first.here).toBe(MANY);
    expect(later.here).toBe(MANY / 2);
    expect(first.answers.map(({ kind }) => kind)).toEqual(expected);
    expect(later.answers).toEqual(first.answers);
  });

  test('is read here where the thread has something large to do, or where it ends', async () => {
    reader = createDeliveryReader({ log });
    await untilShared(reader);
    const large = reader.read(signed('github', pushOf(20_000_000)));
    const meanwhile = await readCrowd(reader, crowd());
    await large;
    const left = readCrowd(reader, crowd(15_000));
    // Its half is handed over by then, and takes milliseconds.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await reader.close();

    expect(meanwhile.here).toBe(MANY);
    expect((await left).answers).toEqual(meanwhile.answers);
    expect(warnings).toEqual([]);
  });

  test('that cannot go over is read here, and the next one gets its own answers', async () => {
    reader = createDeliveryReader({ log });
    await untilShared(reader);
    const [odd, ...others] = crowd();
    const headers = { ...odd?.headers, odd: (() => 'no thread takes this') as unknown as string };
    const unsendable = odd === undefined ? [] : [{ ...odd, headers }, ...others];
    const first = await readCrowd(reader, unsendable);
    const next = await readCrowd(reader, crowd());

    expect(first.here).toBe(MANY);
    expect(next.here).toBe(MANY / 2);
    expect([first, next].map(({ answers }) => answers.map(({ kind }) => kind))).toEqual([expected, expected]);
  });

  test('does not begin a thread again that has just ended', async () => {
    const hanging = (reader = createDeliveryReader({ log, hangsMs: 1 }));
    await readCrowd(hanging, crowd());
    await until('its thread has ended', () => warnings.length > 0);
    await readCrowd(hanging, crowd());
    await sleep(100);

    expect(warnings).toHaveLength(1);
    await expect(hanging.read(signed('github', pushOf(500_000)))).rejects.toMatchObject({ code: 'busy' });
    expect(warnings).toHaveLength(2);
  });

  test('of larger ones leaves others their turn', async () => {
    const { read } = (reader = createDeliveryReader({ log }));
    let turns = 0;
    const count = (): void => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    await Promise.all(crowd(200_000).map((one) => read(one)));
    clearImmediate(next);

    // Twelve megabytes, somewhat more than one a turn.
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  test('ends for each as it would alone, also where its reading breaks', async () => {
    const { read } = (reader = createDeliveryReader({ log }));
    vi.spyOn(await dialectOf('github'), 'judgeSignature').mockImplementationOnce(() => {
      throw new Error('a mistake of ours');
    });
    const results = await Promise.allSettled(crowd().map((one) => read(one)));

    expect(results.map(({ status }) => status)).toEqual([
      'rejected',
      ...Array.from({ length: MANY - 1 }, () => 'fulfilled'),
    ]);
  });
});
