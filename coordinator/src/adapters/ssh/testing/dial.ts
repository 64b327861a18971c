/** An agent's side of the SSH connections, as small as tests need it. */
import { CONTROL_COMMAND, CONTROL_IDENT, SSH_USER } from '@argunix/shared/protocol/version';
import ssh2, { type Client, type ClientChannel } from 'ssh2';
import { makeKey } from '../new-key.ts';

export function newKey(): string {
  return makeKey('a test');
}

export interface DialOptions {
  readonly address: string;
  readonly key: string;
  readonly token?: string;
  readonly ident?: string;
  readonly user?: string;
}

/** Rejects with what SSH says when it is not let in. */
export async function dial(options: DialOptions): Promise<Client> {
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<Client>();
  client.on('ready', () => resolve(client));
  client.on('error', reject);
  client.on('close', () => reject(new Error('closed')));
  const [host, port] = splitAddress(options.address);
  client.connect({
    host,
    port,
    username: options.user ?? SSH_USER,
    ident: options.ident ?? CONTROL_IDENT,
    privateKey: options.key,
    ...(options.token === undefined ? {} : { password: options.token }),
    authHandler: ['publickey', ...(options.token === undefined ? [] : ['password' as const])],
    readyTimeout: 10_000,
  });
  return await promise;
}

export function splitAddress(address: string): readonly [string, number] {
  const at = address.lastIndexOf(':');
  return [address.slice(0, at), Number(address.slice(at + 1))];
}

export async function execute(client: Client, command: string = CONTROL_COMMAND): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  client.exec(command, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
  return await promise;
}

export interface Conversation {
  say(frame: unknown): void;
  /** The next line that is not a heartbeat. */
  next(): Promise<unknown>;
  /** All heartbeats so far. */
  readonly beats: readonly unknown[];
  /** Resolves when the other side hung up. */
  readonly closed: Promise<void>;
  readonly channel: ClientChannel;
}

export function converse(channel: ClientChannel): Conversation {
  const lines: unknown[] = [];
  const beats: unknown[] = [];
  const waiting: ((line: unknown) => void)[] = [];
  let rest = '';
  channel.on('data', (piece: Buffer) => {
    const parts = (rest + piece.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line: unknown = JSON.parse(part);
      if (typeof line === 'object' && line !== null && 'beat' in line) {
        beats.push(line);
        continue;
      }
      const taker = waiting.shift();
      if (taker === undefined) {
        lines.push(line);
      } else {
        taker(line);
      }
    }
  });
  return {
    channel,
    beats,
    say: (frame) => void channel.write(typeof frame === 'string' ? frame : `${JSON.stringify(frame)}\n`),
    next: () => {
      const line = lines.shift();
      return line === undefined
        ? new Promise((resolve) => {
            waiting.push(resolve);
          })
        : Promise.resolve(line);
    },
    closed: new Promise((resolve) => channel.on('close', () => resolve())),
  };
}

export function helloOf(given: Record<string, unknown> = {}): unknown {
  return {
    hello: {
      version: 1,
      name: 'one',
      session: 'session-1',
      received: 0,
      agent_version: '0',
      capabilities: {
        systems: ['x86_64-linux'],
        emulated_systems: [],
        features: [],
        max_jobs: 2,
        sandbox: 'on',
        nix_version: '2.26.3',
      },
      pause: null,
      held: [],
      ...given,
    },
  };
}
