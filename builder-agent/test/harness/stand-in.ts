/**
 * The coordinator's side of the wire, as shared/protocol describes it and no more: what an agent meets, without a
 * queue behind it. It can be restarted, forget sessions, refuse, and fall silent.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { until } from '@argunix/shared/kit/testing/until';
import type { AgentMessage } from '@argunix/shared/protocol/agent-message';
import type { ChannelUse, CoordinatorMessageInput } from '@argunix/shared/protocol/coordinator-message';
import { AgentFrame, type Beat, frameLine, MAX_LINE_BYTES, parseLine } from '@argunix/shared/protocol/frame';
import type { Hello, Refusal } from '@argunix/shared/protocol/hello';
import { createLineSplitter } from '@argunix/shared/protocol/line-splitter';
import { createNumbering, type Numbering } from '@argunix/shared/protocol/numbering';
import {
  CONTROL_COMMAND,
  CONTROL_IDENT,
  parseChannelCommand,
  SSH_USER,
} from '@argunix/shared/protocol/version';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';

export interface StandInOptions {
  readonly token?: string;
  readonly heartbeatMs?: number;
  readonly hostKey?: string;
  readonly port?: number;
  /** Whatever its hello says, as after a rename. */
  readonly callsEverybody?: string;
}

export interface StandIn {
  readonly port: number;
  readonly fingerprint: string;
  readonly hostKey: string;
  /** Passwords that agents gave. */
  readonly passwords: readonly string[];
  readonly hellos: readonly Hello[];
  /** In order, each once. */
  readonly messages: readonly AgentMessage[];
  readonly beats: readonly Beat[];
  /** Numbered frames that came twice. */
  readonly repeated: number;
  readonly bulkConnections: number;
  say(message: CoordinatorMessageInput): void;
  write(line: string): void;
  refuse(refusal: Refusal): void;
  open(use: ChannelUse): Promise<ServerChannel>;
  /** Lets the agent in by its key from now on. */
  admit(fingerprint: string): void;
  readonly admitted: ReadonlySet<string>;
  /** Refuses every key. */
  revoke(): void;
  /** What is said to the next hello instead of a welcome. */
  refuseNext(refusal: Refusal): void;
  /** As a coordinator that was restarted: it knows no session. */
  forgetSessions(): void;
  hangUp(): void;
  /** Says nothing any more, and hears nothing. */
  fallSilent(isSilent: boolean): void;
  welcomed(count: number): Promise<void>;
  message<Type extends AgentMessage['type']>(
    type: Type,
    isIt?: (message: Extract<AgentMessage, { type: Type }>) => boolean,
  ): Promise<Extract<AgentMessage, { type: Type }>>;
  close(): Promise<void>;
}

interface Talk {
  readonly channel: ServerChannel;
  readonly connection: Connection;
  isWelcome: boolean;
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const hostKey = options.hostKey ?? makeHostKey();
  const fingerprint = fingerprintOf(publicPart(hostKey));
  const admitted = new Set<string>();
  const passwords: string[] = [];
  const hellos: Hello[] = [];
  const messages: AgentMessage[] = [];
  const beats: Beat[] = [];
  const connections = new Set<Connection>();
  const sockets = new Set<Socket>();
  const wanted = new Map<string, (channel: ServerChannel) => void>();
  let session: { readonly id: string; readonly numbering: Numbering<CoordinatorMessageInput> } | undefined;
  let talk: Talk | undefined;
  let nextRefusal: Refusal | undefined;
  let welcomes = 0;
  let repeated = 0;
  let bulkConnections = 0;
  let lastChannel = 0;
  let isSilent = false;
  let isRevoked = false;

  function write(line: string): void {
    if (!isSilent) {
      talk?.channel.write(line);
    }
  }
  function greet(hello: Hello, current: Talk): void {
    hellos.push(hello);
    if (nextRefusal !== undefined) {
      const refusal = nextRefusal;
      nextRefusal = undefined;
      current.channel.end(frameLine({ refuse: refusal }));
      return;
    }
    const known = session?.id === hello.session ? session : undefined;
    talk = current;
    current.isWelcome = true;
    const received = known === undefined ? null : known.numbering.received;
    session = known ?? { id: hello.session, numbering: createNumbering() };
    write(
      frameLine({
        welcome: {
          version: 1,
          name: options.callsEverybody ?? hello.name,
          received,
          heartbeat_ms: options.heartbeatMs ?? 100,
        },
      }),
    );
    const again = session.numbering.resume(known === undefined ? null : hello.received);
    for (const { number, message } of again) {
      write(frameLine({ n: number, a: session.numbering.received, m: message }));
    }
    welcomes += 1;
  }
  function take(line: string, current: Talk): void {
    const { frame, reason } = { reason: '', frame: undefined, ...parseLine(AgentFrame, line) };
    if (frame === undefined) {
      throw new Error(`the agent said what is not of the protocol: ${reason}: ${line.slice(0, 200)}`);
    }
    if ('hello' in frame) {
      greet(frame.hello, current);
    } else if ('beat' in frame) {
      beats.push(frame.beat);
      write(frameLine({ beat: { at: Date.now(), back: frame.beat.at } }));
    } else if (session !== undefined) {
      session.numbering.acked(frame.a);
      if ('n' in frame) {
        const verdict = session.numbering.judge(frame.n);
        if (verdict === 'gap') {
          throw new Error(`a message is missing before ${frame.n}`);
        }
        repeated += verdict === 'seen' ? 1 : 0;
        if (verdict === 'next') {
          messages.push(frame.m);
        }
        write(frameLine({ a: session.numbering.received }));
      }
    }
  }
  function serveControl(channel: ServerChannel, connection: Connection): void {
    const splitter = createLineSplitter(MAX_LINE_BYTES);
    const current = { channel, connection, isWelcome: false };
    channel.on('data', (piece: Buffer) => {
      for (const line of isSilent ? [] : splitter.push(piece).lines) {
        take(line, current);
      }
    });
    channel.on('error', () => undefined);
  }
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection, info) => {
    const ident = info.header.versions.software;
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => undefined);
    let provenKey: string | undefined;
    connection.on('authentication', (context) => {
      if (context.username !== SSH_USER || isRevoked) {
        context.reject([]);
      } else if (context.method === 'publickey') {
        const key = ssh2.utils.parseKey(context.key.data);
        const isProven =
          context.signature !== undefined &&
          !(key instanceof Error) &&
          key.verify(context.blob ?? '', context.signature, context.hashAlgo);
        const print = fingerprintOf(context.key.data);
        if (context.signature === undefined) {
          context.accept();
        } else if (isProven && admitted.has(print)) {
          context.accept();
        } else if (isProven) {
          provenKey = print;
          context.reject(['password'], true);
        } else {
          context.reject([]);
        }
      } else if (context.method === 'password' && provenKey !== undefined) {
        passwords.push(context.password);
        if (isSame(context.password, options.token ?? '')) {
          admitted.add(provenKey);
          context.accept();
        } else {
          context.reject([]);
        }
      } else {
        context.reject(['publickey']);
      }
    });
    connection.on('ready', () => {
      bulkConnections += ident === CONTROL_IDENT ? 0 : 1;
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec, rejectExec, { command }) => {
          const channel = parseChannelCommand(command);
          const open = wanted.get(channel ?? '');
          if (command === CONTROL_COMMAND && ident === CONTROL_IDENT) {
            serveControl(acceptExec(), connection);
          } else if (open !== undefined && ident !== CONTROL_IDENT) {
            open(acceptExec());
          } else {
            rejectExec();
          }
        });
      });
    });
  });
  server.on('connection', () => undefined);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  function say(message: CoordinatorMessageInput): void {
    const number = session?.numbering.send(message);
    if (session === undefined || number === undefined) {
      throw new Error('nobody to say this to');
    }
    write(frameLine({ n: number, a: session.numbering.received, m: message }));
  }
  return {
    port,
    fingerprint,
    hostKey,
    passwords,
    hellos,
    messages,
    beats,
    admitted,
    get repeated() {
      return repeated;
    },
    get bulkConnections() {
      return bulkConnections;
    },
    say,
    write,
    refuse: (refusal) => write(frameLine({ refuse: refusal })),
    open(use) {
      lastChannel += 1;
      const channel = String(lastChannel);
      const { promise, resolve } = Promise.withResolvers<ServerChannel>();
      wanted.set(channel, resolve);
      say({ type: 'open', channel, use });
      return promise;
    },
    admit: (print) => void admitted.add(print),
    revoke: () => {
      isRevoked = true;
    },
    refuseNext: (refusal) => {
      nextRefusal = refusal;
    },
    forgetSessions: () => {
      session = undefined;
    },
    hangUp() {
      for (const connection of connections) {
        connection.end();
      }
    },
    fallSilent: (silent) => {
      isSilent = silent;
    },
    welcomed: (count) => until(() => welcomes >= count),
    async message(type, isIt = () => true) {
      type Wanted = Extract<AgentMessage, { type: typeof type }>;
      const find = (): Wanted | undefined =>
        messages.find((message): message is Wanted => message.type === type && isIt(message as Wanted));
      await until(() => find() !== undefined);
      return find() as Wanted;
    },
    async close() {
      for (const connection of connections) {
        connection.end();
      }
      for (const socket of sockets) {
        socket.destroy();
      }
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function isSame(given: string, wanted: string): boolean {
  return given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}

/** Not every key that ssh2 makes can be read. */
function makeHostKey(): string {
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync('ed25519').private;
    if (!(ssh2.utils.parseKey(made) instanceof Error)) {
      return made;
    }
  }
}

function publicPart(privateKey: string): Buffer {
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) {
    throw key;
  }
  return key.getPublicSSH();
}
