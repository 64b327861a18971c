/**
 * One life of the control connection, from the hello to the hang-up. It is *asking* until the welcome, then *talking*;
 * it ends by a refusal, by a fault of the other side that makes going on senseless, by silence, or by the connection.
 * The first of these is what it ended by.
 */
import type { Socket } from 'node:net';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { HostStats } from '@argunix/shared/protocol/capabilities';
import type { CoordinatorMessage } from '@argunix/shared/protocol/coordinator-message';
import { CoordinatorFrame, frameLine, MAX_LINE_BYTES, parseLine } from '@argunix/shared/protocol/frame';
import type { HelloInput, Refusal, Welcome } from '@argunix/shared/protocol/hello';
import { createLineSplitter } from '@argunix/shared/protocol/line-splitter';
import type { ClientChannel } from 'ssh2';
import { judgeSilence, type Listening } from '../../domain/silence.ts';
import { createFrameWriter } from './frame-writer.ts';
import type { Talk } from './talk.ts';

export interface ControlSessionOptions {
  readonly channel: ClientChannel;
  readonly socket: Socket;
  readonly talk: Talk;
  readonly hello: () => HelloInput;
  readonly stats: () => HostStats | null;
  /** Of the bulk connection: as long as they move, silence here is a full line. */
  readonly bulkBytes: () => number;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onMessage: (message: CoordinatorMessage) => void;
  readonly welcomeMs: number;
  readonly ackMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export type SessionEnd =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'lost'; readonly reason: string };

export interface ControlSession {
  readonly ended: Promise<SessionEnd>;
  end(reason: string): void;
}

// Ten seconds of five: fast enough for a page, and each is a look at the disk.
export const BEATS_PER_STATS = 2;

export function startControlSession(options: ControlSessionOptions): ControlSession {
  const { channel, socket, talk, clock, log } = options;
  const { promise: ended, resolve } = Promise.withResolvers<SessionEnd>();
  const writer = createFrameWriter(channel, socket);
  const splitter = createLineSplitter(MAX_LINE_BYTES);
  let listening: Listening = { heardAt: clock.now(), lookedAt: clock.now() };
  let heartbeatMs: number | undefined;
  /** The last beat of the other side, by its clock, less ours when it came: what it waited here is no part of the way. */
  let aheadMs: number | null = null;
  let beats = 0;
  let bulkBytes = options.bulkBytes();
  let bytesRead = socket.bytesRead;
  let beating: NodeJS.Timeout | undefined;
  let acking: NodeJS.Timeout | undefined;
  let isOver = false;
  const asking = setTimeout(
    () => finish({ kind: 'lost', reason: 'it gave no welcome in time' }),
    options.welcomeMs,
  );

  function finish(end: SessionEnd): void {
    if (!isOver) {
      isOver = true;
      clearTimeout(asking);
      clearTimeout(acking);
      clearInterval(beating);
      talk.hungUp();
      resolve(end);
    }
  }
  function lose(reason: string): void {
    finish({ kind: 'lost', reason });
  }
  function outOfStep(reason: string): void {
    talk.startOver();
    lose(reason);
  }

  function welcome(frame: Welcome): void {
    if (heartbeatMs !== undefined) {
      return;
    }
    clearTimeout(asking);
    heartbeatMs = frame.heartbeat_ms;
    beating = setInterval(beat, heartbeatMs);
    options.onWelcome(frame);
    talk.goOn(frame.received, (line) => writer.write(line));
    beat();
  }
  function beat(): void {
    if (isSilent()) {
      lose('it has been silent for too long');
      return;
    }
    const stats = beats % BEATS_PER_STATS === 0 ? options.stats() : null;
    if (
      writer.writeAhead(
        frameLine({
          beat: { at: clock.now(), back: aheadMs === null ? null : performance.now() + aheadMs, stats },
        }),
      )
    ) {
      beats += 1;
      aheadMs = null;
    }
  }
  function isSilent(): boolean {
    const now = clock.now();
    const moved = options.bulkBytes();
    // What has come is no silence, even where it could not be read yet.
    if (moved !== bulkBytes || socket.bytesRead !== bytesRead) {
      listening = { ...listening, heardAt: now };
    }
    bulkBytes = moved;
    bytesRead = socket.bytesRead;
    const verdict = judgeSilence(listening, now, heartbeatMs ?? 0);
    if (verdict.hasSlept) {
      log.info(
        {},
        'this process was not running for a while; looking whether the coordinator is still there',
      );
    }
    listening = verdict.next;
    return verdict.isDead;
  }

  function take(line: string): void {
    const parsed = parseLine(CoordinatorFrame, line);
    if (parsed.kind === 'unknown') {
      log.warn({ reason: parsed.reason }, 'the coordinator said something that this version does not know');
      if (parsed.number !== null) {
        judge(parsed.number);
      }
      return;
    }
    const { frame } = parsed;
    if ('refuse' in frame) {
      finish({ kind: 'refused', refusal: frame.refuse });
    } else if ('welcome' in frame) {
      welcome(frame.welcome);
    } else if (heartbeatMs === undefined) {
      lose('it said something before its welcome');
    } else if ('beat' in frame) {
      aheadMs = frame.beat.at - performance.now();
    } else if (!talk.acked(frame.a)) {
      outOfStep('it has messages that were never sent');
    } else if ('n' in frame && judge(frame.n)) {
      options.onMessage(frame.m);
    }
  }
  function judge(number: number): boolean {
    const verdict = talk.judge(number);
    if (verdict === 'gap') {
      outOfStep('a message of it is missing');
    }
    if (verdict !== 'gap') {
      acking ??= setTimeout(acknowledge, options.ackMs);
    }
    return verdict === 'next';
  }
  function acknowledge(): void {
    acking = undefined;
    const ack = talk.takeAck();
    if (ack !== undefined) {
      writer.write(ack);
    }
  }

  channel.on('data', (piece: Buffer) => {
    const { lines, overflow } = splitter.push(piece);
    for (const line of lines) {
      if (isOver) {
        return;
      }
      take(line);
    }
    if (overflow) {
      outOfStep('it sent a line that is too long');
    }
  });
  // It never says anything there, but what is not read holds up the channel's end.
  channel.stderr.resume();
  channel.on('end', () => lose('it hung up'));
  channel.on('close', () => lose('it hung up'));
  channel.on('error', (error: Error) => lose(error.message));
  writer.write(frameLine({ hello: options.hello() }));
  talk.saidHello();
  return { ended, end: lose };
}
