/** The gate on a real port, with real SSH; what the coordinator decides is played here. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@argunix/shared/kit/testing/until';
import { BULK_IDENT } from '@argunix/shared/protocol/version';
import ssh2, { type Client } from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import type { CourierToGate, FromGate, GateToCourier, LoginVerdict } from '../messages.ts';
import {
  type Conversation,
  converse,
  dial,
  execute,
  helloOf,
  newKey,
  splitAddress,
} from '../testing/dial.ts';
import { openGate } from './gate.ts';

const TOKEN = 'the shared token';

interface House {
  readonly address: string;
  readonly told: FromGate[];
  readonly toCourier: { readonly message: GateToCourier; readonly socket: Socket | undefined }[];
  fromCourier(message: CourierToGate): void;
  take(message: Parameters<ReturnType<typeof openGate>['take']>[0]): void;
  known(publicKey: string): void;
}

const clients = new Set<Client>();
afterEach(() => {
  for (const client of clients) {
    client.destroy();
  }
  clients.clear();
});

async function openHouse(heartbeatMs = 60_000): Promise<House> {
  const told: FromGate[] = [];
  const toCourier: House['toCourier'][number][] = [];
  const known = new Set<string>();
  let hear: (message: CourierToGate) => void = () => undefined;
  const { promise: listening, resolve } = Promise.withResolvers<string>();
  const gate = openGate(
    { host: '127.0.0.1', port: 0, hostKey: newKey(), heartbeatMs, stallMs: 1_000 },
    {
      tell: (message) => {
        told.push(message);
        if (message.kind === 'listening') {
          resolve(message.address);
        } else if (message.kind === 'login') {
          gate.take({ kind: 'login', id: message.id, verdict: judge(message.publicKey, message.token) });
        } else if (message.kind === 'hello') {
          const { id, hello, publicKey } = message;
          known.add(publicKey);
          gate.take(
            hello.name === 'unwanted'
              ? { kind: 'refused', id, refusal: { code: 'revoked', reason: 'It was revoked.' } }
              : { kind: 'admitted', id, name: hello.name },
          );
        }
      },
      courier: {
        send: (message, socket) => toCourier.push({ message, socket }),
        listen: (listener) => {
          hear = listener;
        },
      },
    },
  );
  function judge(publicKey: string, token: string | null): LoginVerdict {
    if (known.has(publicKey)) {
      return 'known';
    }
    if (token === null) {
      return 'needs_token';
    }
    if (token === 'a token that cannot be judged now') {
      return 'later';
    }
    return token === TOKEN ? 'token_good' : 'token_bad';
  }
  return {
    address: await listening,
    told,
    toCourier,
    fromCourier: (message) => hear(message),
    take: (message) => gate.take(message),
    known: (publicKey) => void known.add(publicKey),
  };
}

async function enter(house: House, key: string, hello: Record<string, unknown> = {}): Promise<Conversation> {
  const client = await dial({ address: house.address, key, token: TOKEN });
  clients.add(client);
  client.on('error', () => undefined);
  const talk = converse(await execute(client));
  talk.say(helloOf(hello));
  return talk;
}
function kinds(house: House): readonly string[] {
  return house.told.map(({ kind }) => kind).filter((kind) => kind !== 'beats');
}

describe('who comes in', () => {
  test('a new key with the token, and ever after the key alone', async () => {
    const house = await openHouse();
    const key = newKey();
    const first = await enter(house, key);

    expect(await first.next()).toEqual({
      welcome: { version: 1, name: 'one', received: null, heartbeat_ms: 60_000 },
    });
    const client = await dial({ address: house.address, key });
    clients.add(client);
    const again = converse(await execute(client));
    again.say(helloOf());
    expect(await again.next()).toMatchObject({ welcome: { name: 'one' } });
    const logins = house.told.filter((one) => one.kind === 'login');
    expect(logins.map(({ token }) => token)).toEqual([null, TOKEN, null]);
  });

  test.each([
    ['a wrong token', { token: 'a guess' }, 'came with a token that is wrong, was used, or has expired'],
    ['no token', {}, undefined],
    ['one who cannot be judged now', { token: 'a token that cannot be judged now' }, undefined],
    ['another user', { token: TOKEN, user: 'root' }, 'logged in as "root", not as argunix-builder'],
  ])('%s is turned away, with a reason', async (_, given, reason) => {
    const house = await openHouse();

    await expect(dial({ address: house.address, key: newKey(), ...given })).rejects.toThrow(/auth|closed/i);
    expect([
      ...new Set(house.told.filter((one) => one.kind === 'turned_away').map((one) => one.reason)),
    ]).toEqual(reason === undefined ? [] : [reason]);
    expect(kinds(house)).not.toContain('hello');
  });

  test('a key of another kind, and a password without a key, do not even get to the coordinator', async () => {
    const house = await openHouse();
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 }).private;

    await expect(dial({ address: house.address, key: rsa, token: TOKEN })).rejects.toThrow(/auth|closed/i);
    expect(kinds(house)).toEqual(['listening']);
  });

  test('one that is refused is told why, and the line ends', async () => {
    const house = await openHouse();
    const talk = await enter(house, newKey(), { name: 'unwanted' });

    expect(await talk.next()).toEqual({ refuse: { code: 'revoked', reason: 'It was revoked.' } });
    await talk.closed;
    expect(kinds(house)).not.toContain('up');
  });

  test.each([
    ['what is no JSON', 'hello\n'],
    ['another frame first', { a: 1 }],
    ['a hello of nobody', helloOf({ name: '' })],
    ['a hello from elsewhere', helloOf({ name: '../etc' })],
    ['a hello with a path outside the store', helloOf({ held: [{ lease: 1, drv_path: '/etc/passwd' }] })],
  ])('%s is refused as malformed', async (_, line) => {
    const house = await openHouse();
    const client = await dial({ address: house.address, key: newKey(), token: TOKEN });
    clients.add(client);
    const talk = converse(await execute(client));
    talk.say(line);

    expect(await talk.next()).toMatchObject({ refuse: { code: 'malformed' } });
    await talk.closed;
    expect(kinds(house)).not.toContain('hello');
  });

  test('who says what is no SSH is hung up on, and does not reach the coordinator', async () => {
    const house = await openHouse();
    const [host, port] = splitAddress(house.address);
    const socket = connect(port, host);
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');

    await until(() => socket.closed);
    expect(house.told.at(-1)).toMatchObject({ kind: 'turned_away', reason: 'does not speak SSH' });
  });

  test('who fails again and again is not even listened to any more', async () => {
    const house = await openHouse();
    const [host, port] = splitAddress(house.address);
    const wrong = { address: house.address, key: newKey(), user: 'root' };
    await Promise.allSettled(Array.from({ length: 21 }, () => dial(wrong)));
    const socket = connect(port, host);
    socket.on('error', () => undefined);

    await until(() => socket.closed);
    expect(house.told.at(-1)).toMatchObject({
      kind: 'turned_away',
      reason: 'tried in vain too often: it may come again in a minute',
    });
  });

  test('two hundred at once all come in', async () => {
    const house = await openHouse();
    const talks = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        enter(house, newKey(), { name: `builder-${at}`, session: `session-${at}` }),
      ),
    );

    const welcomes = await Promise.all(talks.map((talk) => talk.next()));
    expect(welcomes.every((line) => JSON.stringify(line).includes('welcome'))).toBe(true);
  });
});

describe('what is said', () => {
  test('numbered messages go both ways, are acknowledged, and come once', async () => {
    const house = await openHouse();
    const talk = await enter(house, newKey());
    await talk.next();
    house.take({ kind: 'send', builder: 'one', message: { type: 'cancel', lease: 7 } });

    expect(await talk.next()).toEqual({ n: 1, a: 0, m: { type: 'cancel', lease: 7 } });
    talk.say({ n: 1, a: 1, m: { type: 'rooted', batch: 3 } });
    talk.say({ n: 1, a: 1, m: { type: 'rooted', batch: 3 } });
    expect(await talk.next()).toEqual({ a: 1 });
    expect(house.told.filter((one) => one.kind === 'message')).toEqual([
      { kind: 'message', builder: 'one', message: { type: 'rooted', batch: 3 } },
    ]);
  });

  test('after a cut the session goes on: what was not had is said again, what was had is not', async () => {
    const house = await openHouse();
    const key = newKey();
    const talk = await enter(house, key);
    await talk.next();
    for (const lease of [1, 2, 3]) {
      house.take({ kind: 'send', builder: 'one', message: { type: 'cancel', lease } });
    }
    talk.say({ n: 1, a: 1, m: { type: 'rooted', batch: 1 } });
    await until(() => house.told.some((one) => one.kind === 'message'));
    talk.channel.destroy();
    const again = await enter(house, key, { received: 2 });

    expect(await again.next()).toMatchObject({ welcome: { received: 1 } });
    expect(await again.next()).toEqual({ n: 3, a: 1, m: { type: 'cancel', lease: 3 } });
    expect(house.told.filter((one) => one.kind === 'up').map(({ isResumed }) => isResumed)).toEqual([
      false,
      true,
    ]);
  });

  test('another life of the agent begins anew; the one before is told that it was displaced', async () => {
    const house = await openHouse();
    const key = newKey();
    const old = await enter(house, key);
    await old.next();
    house.take({ kind: 'send', builder: 'one', message: { type: 'cancel', lease: 1 } });
    await old.next();
    const young = await enter(house, key, { session: 'session-2' });

    expect(await young.next()).toMatchObject({ welcome: { received: null } });
    expect(await old.next()).toMatchObject({ refuse: { code: 'displaced' } });
    house.take({ kind: 'send', builder: 'one', message: { type: 'cancel', lease: 2 } });
    expect(await young.next()).toEqual({ n: 1, a: 0, m: { type: 'cancel', lease: 2 } });
    expect(kinds(house).filter((kind) => kind === 'up' || kind === 'down')).toEqual(['up', 'down', 'up']);
  });

  test('a message that this version does not know is passed over; a gap ends the line', async () => {
    const house = await openHouse();
    const talk = await enter(house, newKey());
    await talk.next();
    talk.say({ n: 1, a: 0, m: { type: 'of a later version' } });
    talk.say({ n: 2, a: 0, m: { type: 'rooted', batch: 1 } });

    expect(await talk.next()).toEqual({ a: 2 });
    talk.say({ n: 4, a: 0, m: { type: 'rooted', batch: 1 } });
    await talk.closed;
    expect(house.told.at(-1)).toEqual({ kind: 'down', builder: 'one', reason: 'message 4 came before 3' });
  });

  test('a line without an end is not held, and ends the talk', async () => {
    const house = await openHouse();
    const client = await dial({ address: house.address, key: newKey(), token: TOKEN });
    clients.add(client);
    client.on('error', () => undefined);
    const talk = converse(await execute(client));
    const piece = 'x'.repeat(1024 * 1024);
    for (let at = 0; at < 5; at += 1) {
      talk.say(piece);
    }

    await talk.closed;
    expect(kinds(house)).not.toContain('hello');
  });

  test('what is the courier’s goes there, and what it asks for goes out', async () => {
    const house = await openHouse();
    const talk = await enter(house, newKey());
    await talk.next();
    house.fromCourier({
      kind: 'open',
      builder: 'one',
      channel: '5',
      use: { kind: 'store', compression: 'none' },
      isAnew: false,
    });

    expect(await talk.next()).toMatchObject({ m: { type: 'open', channel: '5' } });
    talk.say({ n: 1, a: 1, m: { type: 'unopened', channel: '5', reason: 'no' } });
    await until(() => house.toCourier.some(({ message }) => message.kind === 'unopened'));
    expect(house.told.some((one) => one.kind === 'message')).toBe(false);
    expect(house.toCourier[0]?.message).toMatchObject({ kind: 'key', builder: 'one' });
  });

  test('a bulk connection is handed on unread but for its first line', async () => {
    const house = await openHouse();
    const [host, port] = splitAddress(house.address);
    const socket = connect(port, host);
    socket.write(`SSH-2.0-${BULK_IDENT}\r\n`);
    await until(() => house.toCourier.length > 0);

    const [handed] = house.toCourier;
    expect(handed?.message).toEqual({
      kind: 'socket',
      read: Buffer.from(`SSH-2.0-${BULK_IDENT}\r\n`).toString('base64'),
    });
    // While it is on its way to another process, both can read: what this one read would be lost.
    socket.write('what it says next');
    await sleep(100);
    expect(handed?.socket?.bytesRead).toBe(`SSH-2.0-${BULK_IDENT}\r\n`.length);
    handed?.socket?.destroy();
    socket.destroy();
  });
});

describe('signs of life', () => {
  test('a builder that says nothing is away; heartbeats or bulk bytes keep it', async () => {
    const house = await openHouse(50);
    const talks = await Promise.all(
      ['silent', 'beating', 'carrying'].map((name) =>
        enter(house, newKey(), { name, session: `session-${name}` }),
      ),
    );
    await Promise.all(talks.map((talk) => talk.next()));
    const beating = setInterval(() => talks[1]?.say({ beat: { at: 1, back: null } }), 50);
    const carrying = setInterval(() => house.fromCourier({ kind: 'heard', builders: ['carrying'] }), 50);
    try {
      await talks[0]?.closed;
      await new Promise((resolve) => setTimeout(resolve, 19 * 50));
    } finally {
      clearInterval(beating);
      clearInterval(carrying);
    }

    expect(house.told.filter((one) => one.kind === 'down').map(({ builder }) => builder)).toEqual(['silent']);
    expect(talks[1]?.beats.length).toBeGreaterThan(3);
  });

  test('how far away it is comes of what it sends back', async () => {
    const house = await openHouse(50);
    const talk = await enter(house, newKey());
    await talk.next();
    await until(() => talk.beats.length > 0);
    const [beat] = talk.beats;
    const at = (beat as { beat: { at: number } }).beat.at;
    talk.say({ beat: { at: 1, back: at } });
    await until(() => house.told.some((one) => one.kind === 'beats'));

    const told = house.told.find((one) => one.kind === 'beats');
    expect(told?.beats.get('one')?.roundTripMs).toBeGreaterThan(0);
  });
});

test('who is hung up on hears why', async () => {
  const house = await openHouse();
  const talk = await enter(house, newKey());
  await talk.next();
  house.take({ kind: 'hang_up', builder: 'one', refusal: { code: 'revoked', reason: 'By an operator.' } });

  expect(await talk.next()).toEqual({ refuse: { code: 'revoked', reason: 'By an operator.' } });
  await talk.closed;
  expect(house.toCourier.at(-1)?.message).toMatchObject({ kind: 'key', publicKey: null });
});
