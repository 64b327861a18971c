/** One control connection: lines in, lines out, and an end with one cause. What is said on it, others judge. */

import type { Socket } from 'node:net';
import {
  AgentFrame,
  frameLine,
  MAX_HELLO_BYTES,
  MAX_LINE_BYTES,
  parseLine,
} from '@argunix/shared/protocol/frame';
import type { Refusal } from '@argunix/shared/protocol/hello';
import { createLineSplitter } from '@argunix/shared/protocol/line-splitter';
import type { Connection, ServerChannel } from 'ssh2';

export interface ControlLine {
  say(frame: Parameters<typeof frameLine>[0]): void;
  /** From now on lines may be as long as those of somebody who is known. */
  trust(): void;
  /** Tells why and hangs up; the first cause counts. */
  refuse(refusal: Refusal): void;
  end(reason: string): void;
  readonly from: string;
}

export interface ControlListener {
  frame(frame: AgentFrame): void;
  /** A numbered message that this version does not know. */
  unknown(number: number | null, reason: string): void;
  /** Once; nothing comes after it. */
  ended(reason: string): void;
}

// What the other side does not read. It is sent again after a reconnect, so nothing is lost by hanging up.
const MOST_UNREAD = 32 * 1024 * 1024;
// A line of refusal is small: whoever does not read it in this time is gone.
const FAREWELL_MS = 2_000;

export function openControlLine(
  { client, socket, from }: { readonly client: Connection; readonly socket: Socket; readonly from: string },
  channel: ServerChannel,
  listener: ControlListener,
): ControlLine {
  const splitter = createLineSplitter(MAX_HELLO_BYTES);
  let cause: string | undefined;

  function end(reason: string): void {
    if (cause !== undefined) {
      return;
    }
    cause = reason;
    listener.ended(reason);
    client.end();
    // An end that the other side does not answer must not keep the socket.
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }
  function say(frame: Parameters<typeof frameLine>[0]): void {
    if (cause !== undefined) {
      return;
    }
    channel.write(frameLine(frame));
    if (channel.writableLength > MOST_UNREAD) {
      end('it does not read what it is told');
    }
  }
  function take(line: string): void {
    const parsed = parseLine(AgentFrame, line);
    if (parsed.kind === 'frame') {
      listener.frame(parsed.frame);
    } else {
      listener.unknown(parsed.number, parsed.reason);
    }
  }

  channel.on('data', (piece: Buffer) => {
    const { lines, overflow } = splitter.push(piece);
    for (const line of lines) {
      if (cause === undefined) {
        take(line);
      }
    }
    if (overflow) {
      end('it said a line that is longer than any of ours');
    }
  });
  channel.on('error', (error: Error) => end(error.message));
  channel.on('close', () => end('the control channel was closed'));
  client.on('error', (error) => end(error.message));
  client.on('close', () => end('the connection was closed'));
  return {
    say,
    end,
    from,
    trust: () => splitter.limit(MAX_LINE_BYTES),
    refuse: (refusal) => {
      say({ refuse: refusal });
      end(refusal.reason);
    },
  };
}
