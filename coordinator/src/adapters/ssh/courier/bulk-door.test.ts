/** Bulk connections over real SSH: only for a key that the gate has named, and only for a channel that was asked for. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { isAppError } from '@argunix/shared/kit/app-error';
import { until } from '@argunix/shared/kit/testing/until';
import { BULK_IDENT, channelCommand } from '@argunix/shared/protocol/version';
import ssh2, { type Client } from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dial, execute, newKey } from '../testing/dial.ts';
import { type BulkDoor, createBulkDoor } from './bulk-door.ts';

const STORE = { kind: 'store', compression: 'none' } as const;

let door: BulkDoor;
let entrance: Server;
let address: string;
let patienceMs: number;
let asked: { readonly channel: string; readonly isAnew: boolean }[];
const clients = new Set<Client>();

beforeEach(async () => {
  asked = [];
  patienceMs = 20_000;
  door = createBulkDoor({
    hostKey: newKey(),
    get openWithinMs() {
      return patienceMs;
    },
    ask: (_, channel, __, isAnew) => asked.push({ channel, isAnew }),
    turnedAway: () => undefined,
  });
  // The gate has read the first line of what it hands on.
  entrance = createServer((socket) => {
    socket.once('data', (read: Buffer) => {
      socket.pause();
      door.take(socket, read);
    });
  });
  await new Promise<void>((resolve) => {
    entrance.listen(0, '127.0.0.1', resolve);
  });
  const at = entrance.address();
  address = `127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`;
});
afterEach(() => {
  for (const client of clients) {
    client.destroy();
  }
  clients.clear();
  entrance.close();
});

function publicPart(key: string): string {
  const parsed = ssh2.utils.parseKey(key);
  return parsed instanceof Error ? '' : parsed.getPublicSSH().toString('base64');
}
async function connected(key: string): Promise<Client> {
  const client = await dial({ address, key, ident: BULK_IDENT });
  client.on('error', () => undefined);
  clients.add(client);
  return client;
}
const never = new AbortController().signal;

test('a channel that was asked for opens, to whom it was asked of', async () => {
  const [key, other] = [newKey(), newKey()];
  door.key('one', publicPart(key));
  door.key('other', publicPart(other));
  const opening = door.open('one', STORE, never);
  const channel = asked[0]?.channel ?? '';

  await expect(execute(await connected(other), channelCommand(channel))).rejects.toThrow(/exec/);
  const client = await connected(key);
  await expect(execute(client, channelCommand('999'))).rejects.toThrow(/exec/);
  await expect(execute(client, 'sh')).rejects.toThrow(/exec/);
  const [{ stream }, theirs] = await Promise.all([opening, execute(client, channelCommand(channel))]);
  theirs.write('hello');
  const said = await new Promise<string>((resolve) => {
    stream.once('data', (piece: Buffer) => resolve(piece.toString('utf8')));
  });
  expect(said).toBe('hello');
  expect(door.heard()).toContain('one');
});

test('a key that nobody has named opens nothing, and one that was taken back neither', async () => {
  const key = newKey();
  await expect(dial({ address, key, ident: BULK_IDENT })).rejects.toThrow(/auth|closed/i);
  door.key('one', publicPart(key));
  const client = await connected(key);
  let isClosed = false;
  client.on('close', () => {
    isClosed = true;
  });
  door.key('one', null);

  await until(() => isClosed);
  await expect(dial({ address, key, ident: BULK_IDENT })).rejects.toThrow(/auth|closed/i);
});

test('what is not opened in time is asked for on another connection the next time', async () => {
  patienceMs = 300;
  const first = await door.open('one', STORE, never).catch((error: unknown) => error);
  patienceMs = 20_000;
  const second = door.open('one', STORE, never).catch((error: unknown) => error);
  door.unopened({ builder: 'other', channel: asked[1]?.channel ?? '', reason: 'it is not mine to say' });
  door.unopened({ builder: 'one', channel: asked[1]?.channel ?? '', reason: 'it has no more' });

  expect(isAppError(first) && first.message).toContain('did not open a channel');
  const refusal = await second;
  expect(isAppError(refusal) && refusal.message).toContain('it has no more');
  expect(asked.map(({ isAnew }) => isAnew)).toEqual([false, true]);
});

test('of strangers there are only so many', async () => {
  const sockets: Socket[] = [];
  const [host, port] = address.split(':');
  for (let at = 0; at < 300; at += 1) {
    const socket = connect(Number(port), host);
    socket.on('error', () => undefined);
    // A closed socket that nobody reads does not see its end.
    socket.resume();
    socket.write(`SSH-2.0-${BULK_IDENT}\r\n`);
    sockets.push(socket);
  }

  const closed = (): number => sockets.filter((socket) => socket.closed).length;
  await until(() => closed() >= 300 - 256);
  expect(closed()).toBe(300 - 256);
  for (const socket of sockets) {
    socket.destroy();
  }
});
