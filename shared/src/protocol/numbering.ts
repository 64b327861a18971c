/**
 * Numbers of the messages of one session, at one of its two ends: what is sent is kept until the other side says that
 * it has it, and sent again after a reconnect; what comes twice is dropped. A session ends with either process; then
 * both begin at 1 again, and the agent's hello tells everything that matters.
 */
export interface Numbering<Message> {
  /** Keeps it, and tells its number. Undefined when too much waits already: the talk has to end. */
  send(message: Message): number | undefined;
  /** The last number that was received in order. */
  readonly received: number;
  /** `gap`: something is missing before it, so the other side is out of step. */
  judge(number: number): 'next' | 'seen' | 'gap';
  /** The other side has everything up to here. False when that was never sent. */
  acked(number: number): boolean;
  /** After a reconnect, or a new session with `null`: what is to be sent (again), in order. */
  resume(otherReceived: number | null): readonly { readonly number: number; readonly message: Message }[];
  readonly waiting: number;
}

// A builder that was away for the grace of a large queue; more than this nobody can have meant.
const MAX_WAITING = 10_000;

export function createNumbering<Message>(most = MAX_WAITING): Numbering<Message> {
  let sent = 0;
  let received = 0;
  let waiting: { readonly number: number; readonly message: Message }[] = [];

  return {
    send: (message) => {
      if (waiting.length >= most) {
        return undefined;
      }
      sent += 1;
      waiting.push({ number: sent, message });
      return sent;
    },
    get received() {
      return received;
    },
    judge: (number) => {
      if (number <= received) {
        return 'seen';
      }
      if (number !== received + 1) {
        return 'gap';
      }
      received = number;
      return 'next';
    },
    acked: (number) => {
      if (number > sent) {
        return false;
      }
      const left = waiting.findIndex((one) => one.number > number);
      waiting = left === -1 ? [] : waiting.slice(left);
      return true;
    },
    resume: (otherReceived) => {
      if (otherReceived === null) {
        // What was meant for the session before is told by the hello, or is asked for anew.
        sent = 0;
        received = 0;
        waiting = [];
        return [];
      }
      waiting = waiting.filter(({ number }) => number > otherReceived);
      return waiting;
    },
    get waiting() {
      return waiting.length;
    },
  };
}
