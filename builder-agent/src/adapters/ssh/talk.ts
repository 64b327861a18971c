/**
 * What is said to the coordinator, numbered, over all connections of one session. A hello tells everything there is at
 * that moment; what is said after it, and before the welcome, counts for either answer: that the session goes on, or
 * that the coordinator does not know it and numbers begin anew.
 */
import { randomUUID } from 'node:crypto';
import type { AgentMessageInput } from '@argunix/shared/protocol/agent-message';
import { frameLine } from '@argunix/shared/protocol/frame';
import { createNumbering, type Numbering } from '@argunix/shared/protocol/numbering';

export interface Talk {
  readonly session: string;
  readonly received: number;
  send(message: AgentMessageInput): void;
  /** A hello with `session` and `received` goes out now. */
  saidHello(): void;
  /** Writes what the other side does not have, and from now on what is sent. */
  goOn(otherReceived: number | null, write: (line: string) => void): void;
  hungUp(): void;
  judge(number: number): 'next' | 'seen' | 'gap';
  acked(number: number): boolean;
  /** What the other side has been told to have is not told again. Undefined when there is nothing new to say. */
  takeAck(): string | undefined;
  /** Both sides are out of step, or too much waits: everything is told anew. */
  startOver(): void;
  /** Nothing is waited for any more. */
  readonly isAllHad: boolean;
}

export function createTalk(): Talk {
  const numbering: Numbering<AgentMessageInput> = createNumbering();
  let session = randomUUID();
  let sinceHello: AgentMessageInput[] = [];
  let write: ((line: string) => void) | undefined;
  let toldReceived = 0;

  function line(number: number, message: AgentMessageInput): string {
    toldReceived = numbering.received;
    return frameLine({ n: number, a: numbering.received, m: message });
  }
  function startOver(): void {
    session = randomUUID();
    numbering.resume(null);
    sinceHello = [];
    toldReceived = 0;
  }
  function send(message: AgentMessageInput): void {
    const number = numbering.send(message);
    if (number === undefined) {
      // It is told by the next hello, which tells everything.
      startOver();
    } else if (write === undefined) {
      sinceHello.push(message);
    } else {
      write(line(number, message));
    }
  }
  return {
    get session() {
      return session;
    },
    get received() {
      return numbering.received;
    },
    send,
    saidHello() {
      sinceHello = [];
      toldReceived = numbering.received;
    },
    goOn(otherReceived, writeLine) {
      const late = sinceHello;
      sinceHello = [];
      write = writeLine;
      const again = numbering.resume(otherReceived);
      for (const { number, message } of again) {
        writeLine(line(number, message));
      }
      if (otherReceived === null) {
        for (const message of late) {
          send(message);
        }
      }
    },
    hungUp() {
      write = undefined;
    },
    judge: (number) => numbering.judge(number),
    acked: (number) => numbering.acked(number),
    takeAck() {
      if (numbering.received === toldReceived) {
        return undefined;
      }
      toldReceived = numbering.received;
      return frameLine({ a: numbering.received });
    },
    startOver,
    get isAllHad() {
      return numbering.waiting === 0;
    },
  };
}
