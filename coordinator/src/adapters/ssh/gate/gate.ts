/** The gate: everybody who dials in, from the first byte to the end of the control connection. It stores nothing. */
import type { Socket } from 'node:net';
import type { Hello, Refusal } from '@argunix/shared/protocol/hello';
import { CONTROL_COMMAND } from '@argunix/shared/protocol/version';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { receiveLogin, type Visitor } from '../login.ts';
import type {
  BuilderBeat,
  CourierToGate,
  FromGate,
  GateSettings,
  GateToCourier,
  LoginVerdict,
  ToGate,
} from '../messages.ts';
import { type ControlLine, openControlLine } from './control-line.ts';
import { createEntrance } from './entrance.ts';
import { createLink, type Link } from './link.ts';

// This host stood still, not they: what they said meanwhile is yet to be read.
const SLEPT_BEATS = 3;
// They are for pages: who is away is told at once.
const BEATS_WITHIN_MS = 1_000;

export interface GatePorts {
  tell(message: FromGate): void;
  courier: {
    send(message: GateToCourier, socket?: Socket): void;
    listen(listener: (message: CourierToGate) => void): void;
  };
}

export interface Gate {
  take(message: ToGate): void;
}

interface Member {
  /** An operator may change it. */
  name: string;
  readonly link: Link;
  publicKey: string;
  roundTripMs: number | null;
}

interface ChannelTrouble {
  readonly channel: string;
  readonly reason: string;
}

interface Caller {
  readonly client: Connection;
  readonly socket: Socket;
  readonly from: string;
}

type Admission = { readonly name: string } | { readonly refusal: Refusal };

export function openGate(settings: GateSettings, ports: GatePorts): Gate {
  const { courier } = ports;
  const tell = (message: FromGate): void => ports.tell(message);
  const members = new Map<string, Member>();
  const logins = new Map<number, (verdict: LoginVerdict) => void>();
  /** Those that SSH has not told of yet, by the other end's address. */
  const sockets = new Map<string, Socket>();
  const admissions = new Map<number, (admission: Admission) => void>();
  let beats = new Map<string, BuilderBeat>();
  let beatsTimer: NodeJS.Timeout | undefined;
  let lastId = 0;

  function tellBeatsSoon(): void {
    beatsTimer ??= setTimeout(
      () => {
        beatsTimer = undefined;
        tell({ kind: 'beats', beats });
        beats = new Map();
      },
      Math.min(BEATS_WITHIN_MS, settings.heartbeatMs),
    );
  }

  function memberOf(name: string): Member {
    const known = members.get(name);
    if (known !== undefined) {
      return known;
    }
    const tellOf = ({ channel, reason }: ChannelTrouble): ChannelTrouble & { readonly builder: string } => ({
      builder: member.name,
      channel,
      reason,
    });
    const link = createLink({
      heartbeatMs: settings.heartbeatMs,
      message: (message) => {
        switch (message.type) {
          case 'substituting':
            courier.send({
              kind: 'substituting',
              builder: member.name,
              id: message.id,
              bytesDone: message.bytes_done,
              bytesTotal: message.bytes_total,
            });
            break;
          case 'substituted':
            courier.send({ kind: 'substituted', builder: member.name, id: message.id });
            break;
          case 'broken':
            courier.send({ kind: 'broken', ...tellOf(message) });
            break;
          case 'unopened':
            courier.send({ kind: 'unopened', ...tellOf(message) });
            break;
          case 'offer':
          case 'rooted':
          case 'started':
          case 'ended':
          case 'leaving':
            tell({ kind: 'message', builder: member.name, message });
        }
      },
      beat: (stats, roundTripMs) => {
        if (roundTripMs !== null && member.roundTripMs === null) {
          // The first tells near from far; it decides whether to compress.
          member.roundTripMs = roundTripMs;
          shareKey(member.name, member);
        }
        member.roundTripMs = roundTripMs ?? member.roundTripMs;
        beats.set(member.name, {
          stats: stats ?? beats.get(member.name)?.stats ?? null,
          roundTripMs: member.roundTripMs,
        });
        tellBeatsSoon();
      },
      down: (reason) => tell({ kind: 'down', builder: member.name, reason }),
    });
    const member: Member = { name, link, publicKey: '', roundTripMs: null };
    members.set(name, member);
    return member;
  }

  const entrance = createEntrance({
    control: (socket) => {
      const key = `${socket.remoteAddress}:${socket.remotePort}`;
      sockets.set(key, socket);
      socket.once('close', () => sockets.delete(key));
      // It stays paused until SSH reads it.
      server.injectSocket(socket);
    },
    bulk: (socket, read) => courier.send({ kind: 'socket', read: read.toString('base64') }, socket),
    turnedAway: (from, reason) => tell({ kind: 'turned_away', from, reason }),
  });
  const server = new ssh2.Server(
    { hostKeys: [settings.hostKey], ident: 'argunix' },
    (client, { ip, port }) => {
      const socket = sockets.get(`${ip}:${port}`);
      if (socket === undefined) {
        client.end();
      } else {
        serve({ client, socket, from: ip });
      }
    },
  );

  function serve(caller: Caller): void {
    const { client, from } = caller;
    const turnedAway = (reason: string): void => {
      entrance.failed(from);
      tell({ kind: 'turned_away', from, reason });
    };
    // An end before anybody is known; afterwards the control line tells of it.
    client.on('error', () => undefined);
    receiveLogin(
      client,
      {
        decide: (publicKey, token) => {
          lastId += 1;
          const { promise, resolve } = Promise.withResolvers<LoginVerdict>();
          logins.set(lastId, resolve);
          tell({ kind: 'login', id: lastId, publicKey, token });
          return promise;
        },
        turnedAway,
      },
      (visitor) => awaitControl(caller, visitor, turnedAway),
    );
  }

  function awaitControl(caller: Caller, visitor: Visitor, turnedAway: (reason: string) => void): void {
    let hasChannel = false;
    caller.client.on('session', (accept, reject) => {
      if (hasChannel) {
        reject();
        return;
      }
      accept().on('exec', (acceptExec, rejectExec, { command }) => {
        if (hasChannel || command !== CONTROL_COMMAND) {
          rejectExec();
          return;
        }
        hasChannel = true;
        converse(caller, acceptExec(), visitor, turnedAway);
      });
    });
  }

  function converse(
    caller: Caller,
    channel: ServerChannel,
    visitor: Visitor,
    turnedAway: (reason: string) => void,
  ): void {
    let member: Member | undefined;
    let isAsking = false;
    let isOver = false;
    const line: ControlLine = openControlLine(caller, channel, {
      frame: (frame) => {
        if (member !== undefined) {
          member.link.frame(frame);
        } else if ('hello' in frame && !isAsking) {
          isAsking = true;
          void admit(frame.hello);
        } else {
          line.refuse({ code: 'malformed', reason: 'The first line has to be a hello.' });
        }
      },
      unknown: (number, reason) => {
        if (member !== undefined) {
          member.link.unknown(number);
          return;
        }
        turnedAway(`said no hello that is understood: ${reason}`);
        line.refuse({ code: 'malformed', reason: `The hello is not understood: ${reason}` });
      },
      ended: (reason) => {
        isOver = true;
        member?.link.detached(line, reason);
      },
    });

    async function admit(hello: Hello): Promise<void> {
      lastId += 1;
      const { promise, resolve } = Promise.withResolvers<Admission>();
      admissions.set(lastId, resolve);
      tell({ kind: 'hello', id: lastId, ...visitor, hello });
      const admission = await promise;
      if (isOver) {
        return;
      }
      if ('refusal' in admission) {
        turnedAway(`was refused as ${hello.name}: ${admission.refusal.reason}`);
        line.refuse(admission.refusal);
        return;
      }
      // What it does on this connection from now on is no stranger's.
      entrance.known(caller.socket);
      member = memberOf(admission.name);
      member.publicKey = visitor.publicKey;
      shareKey(admission.name, member);
      const isResumed = member.link.attach(line, admission.name, hello);
      tell({ kind: 'up', builder: admission.name, hello, isResumed });
    }
  }

  // One clock for all: two hundred of their own woke the process two hundred times a beat.
  let lastBeat = performance.now();
  setInterval(() => {
    const now = performance.now();
    const hasSlept = now - lastBeat > SLEPT_BEATS * settings.heartbeatMs;
    lastBeat = now;
    for (const { link } of members.values()) {
      if (hasSlept) {
        link.heard();
      }
      link.beat();
    }
  }, settings.heartbeatMs);

  function shareKey(builder: string, { publicKey, roundTripMs }: Member): void {
    courier.send({ kind: 'key', builder, publicKey, roundTripMs });
  }
  courier.listen((message) => {
    switch (message.kind) {
      case 'open':
        members
          .get(message.builder)
          ?.link.send({ type: 'open', channel: message.channel, use: message.use, anew: message.isAnew });
        break;
      case 'substitute':
        members
          .get(message.builder)
          ?.link.send({ type: 'substitute', id: message.id, paths: [...message.paths] });
        break;
      case 'stop_substituting':
        members.get(message.builder)?.link.send({ type: 'stop_substituting', id: message.id });
        break;
      case 'heard':
        for (const builder of message.builders) {
          members.get(builder)?.link.heard();
        }
        break;
      case 'turned_away':
        entrance.failed(message.from);
        tell({ kind: 'turned_away', from: message.from, reason: message.reason });
        break;
      case 'from_courier':
        tell({ kind: 'courier', message: message.message });
        break;
    }
  });
  entrance.server.on('error', (error: NodeJS.ErrnoException) => {
    tell({ kind: 'deaf', code: error.code ?? 'an error', message: error.message });
  });
  entrance.server.listen({ host: settings.host, port: settings.port }, () => {
    const address = entrance.server.address();
    if (address !== null && typeof address === 'object') {
      const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      tell({ kind: 'listening', address: `${host}:${address.port}` });
    }
  });

  return {
    take: (message) => {
      switch (message.kind) {
        case 'login':
          logins.get(message.id)?.(message.verdict);
          logins.delete(message.id);
          break;
        case 'admitted':
          admissions.get(message.id)?.({ name: message.name });
          admissions.delete(message.id);
          break;
        case 'refused':
          admissions.get(message.id)?.({ refusal: message.refusal });
          admissions.delete(message.id);
          break;
        case 'send':
          members.get(message.builder)?.link.send(message.message);
          break;
        case 'hang_up': {
          const member = members.get(message.builder);
          members.delete(message.builder);
          courier.send({ kind: 'key', builder: message.builder, publicKey: null, roundTripMs: null });
          member?.link.line?.refuse(message.refusal);
          break;
        }
        case 'renamed': {
          const member = members.get(message.from);
          if (member !== undefined) {
            members.delete(message.from);
            member.name = message.to;
            members.set(message.to, member);
            courier.send({ kind: 'key', builder: message.from, publicKey: null, roundTripMs: null });
            shareKey(message.to, member);
          }
          break;
        }
        case 'courier':
          courier.send({ kind: 'for_courier', message: message.message });
          break;
        case 'start':
          break;
      }
    },
  };
}
