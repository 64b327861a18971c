/**
 * One builder as the gate knows it, over all its connections. While it is away, what is to be told it waits here; when
 * it comes back in the same session it is told what it does not have yet, and nothing twice. In a new session (another
 * life of its agent) that is thrown away: its hello says what it has, and the coordinator goes on from there.
 *
 * *Up* from its welcome until its line ends, for whatever cause; a line on which nothing at all comes for `lostAfterMs`
 * is ended here. Bytes on its bulk connection count as signs of life.
 */
import type { AgentMessage } from '@argunix/shared/protocol/agent-message';
import type { HostStats } from '@argunix/shared/protocol/capabilities';
import type { CoordinatorMessageInput } from '@argunix/shared/protocol/coordinator-message';
import type { AgentFrame } from '@argunix/shared/protocol/frame';
import type { Hello } from '@argunix/shared/protocol/hello';
import { createNumbering } from '@argunix/shared/protocol/numbering';
import { PROTOCOL_VERSION } from '@argunix/shared/protocol/version';
import type { ControlLine } from './control-line.ts';

export interface LinkOptions {
  readonly heartbeatMs: number;
  message(message: AgentMessage): void;
  beat(stats: HostStats | null, roundTripMs: number | null): void;
  down(reason: string): void;
}

export interface Link {
  /** Another line before it is displaced. Returns whether its session goes on. */
  attach(line: ControlLine, name: string, hello: Hello): boolean;
  frame(frame: AgentFrame): void;
  unknown(number: number | null): void;
  /** `line` ended: nothing when it is not the one in use. */
  detached(line: ControlLine, reason: string): void;
  send(message: CoordinatorMessageInput): void;
  /** A heartbeat has passed: gives ours, and ends a line on which nothing came for too long. */
  beat(): void;
  /** It gave a sign of life elsewhere. */
  heard(): void;
  readonly line: ControlLine | undefined;
}

/**
 * Nineteen heartbeats of five seconds are 95 s. The agent gives up after twelve: when both ends wait equally long, both
 * hang up and neither knows whose reconnect counts.
 */
const LOST_AFTER_BEATS = 19;
// Of its twelve. Two hundred idle agents are a few packets less a second, which are most of what they cost.
const OWN_BEAT_EVERY = 3;
const ACK_WITHIN_MS = 100;

export function createLink(options: LinkOptions): Link {
  let numbering = createNumbering<CoordinatorMessageInput>();
  let session: string | undefined;
  let line: ControlLine | undefined;
  let heardAt = 0;
  let theirBeatAt: number | null = null;
  let ackTimer: NodeJS.Timeout | undefined;
  let beats = 0;

  function isLost(): boolean {
    return performance.now() - heardAt > LOST_AFTER_BEATS * options.heartbeatMs;
  }
  function beat(): void {
    if (line === undefined) {
      return;
    }
    if (isLost()) {
      const waited = Math.round((performance.now() - heardAt) / 1_000);
      line.end(`nothing came from it for ${waited} s`);
      return;
    }
    beats += 1;
    if (beats % OWN_BEAT_EVERY !== 0) {
      return;
    }
    line.say({ beat: { at: performance.now(), back: theirBeatAt } });
    theirBeatAt = null;
  }
  function ackSoon(): void {
    ackTimer ??= setTimeout(() => {
      ackTimer = undefined;
      line?.say({ a: numbering.received });
    }, ACK_WITHIN_MS);
  }
  function say(number: number, message: CoordinatorMessageInput): void {
    line?.say({ n: number, a: numbering.received, m: message });
  }
  function take(number: number, message: AgentMessage | undefined): void {
    switch (numbering.judge(number)) {
      case 'next':
        ackSoon();
        if (message !== undefined) {
          options.message(message);
        }
        break;
      case 'seen':
        ackSoon();
        break;
      case 'gap':
        line?.end(`message ${number} came before ${numbering.received + 1}`);
        break;
    }
  }
  function detached(ended: ControlLine, reason: string): void {
    if (ended !== line) {
      return;
    }
    line = undefined;
    clearTimeout(ackTimer);
    ackTimer = undefined;
    options.down(reason);
  }

  return {
    attach: (next, name, hello) => {
      const isSame = session === hello.session;
      const before = line;
      if (before !== undefined) {
        detached(before, 'it connected anew');
        if (isSame) {
          before.end('it connected anew');
        } else {
          before.refuse({
            code: 'displaced',
            reason: `Another agent with the same key connected from ${next.from}. Give each host a key (--state-dir) of its own.`,
          });
        }
      }
      line = next;
      heardAt = performance.now();
      theirBeatAt = null;
      if (!isSame) {
        numbering = createNumbering();
        session = hello.session;
      }
      next.trust();
      next.say({
        welcome: {
          version: PROTOCOL_VERSION,
          name,
          received: isSame ? numbering.received : null,
          heartbeat_ms: options.heartbeatMs,
        },
      });
      for (const { number, message } of isSame ? numbering.resume(hello.received) : []) {
        say(number, message);
      }
      return isSame;
    },
    frame: (frame) => {
      heardAt = performance.now();
      if ('beat' in frame) {
        theirBeatAt = frame.beat.at;
        const { back, stats } = frame.beat;
        options.beat(stats, back === null ? null : Math.max(0, performance.now() - back));
      } else if ('m' in frame) {
        numbering.acked(frame.a);
        take(frame.n, frame.m);
      } else if ('a' in frame) {
        numbering.acked(frame.a);
      } else {
        line?.end('it said hello twice');
      }
    },
    unknown: (number) => {
      heardAt = performance.now();
      if (number !== null) {
        take(number, undefined);
      }
    },
    detached,
    beat,
    send: (message) => {
      const number = numbering.send(message);
      if (number === undefined) {
        // A session that is this far behind cannot be caught up: the next hello tells what matters.
        session = undefined;
        numbering = createNumbering();
        line?.end('too much that it was told is not acknowledged');
        return;
      }
      say(number, message);
    },
    heard: () => {
      heardAt = performance.now();
    },
    get line() {
      return line;
    },
  };
}
