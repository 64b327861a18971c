/**
 * Keeps the control connection: dials, introduces itself, talks, and after a loss dials again, until it is told to stop
 * or refused for good. Every connect, loss and refusal is said once.
 */
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { CoordinatorMessage } from '@argunix/shared/protocol/coordinator-message';
import { type HelloInput, mayComeAgain } from '@argunix/shared/protocol/hello';
import { CONTROL_COMMAND, CONTROL_IDENT } from '@argunix/shared/protocol/version';
import type { Client, ClientChannel } from 'ssh2';
import { type ReconnectPace, reconnectDelayMs } from '../../domain/reconnect.ts';
import type { CoordinatorLink } from '../../ports/coordinator-link.ts';
import type { Admission } from './admission.ts';
import { type ControlSession, type ControlSessionOptions, startControlSession } from './control-session.ts';
import type { Address } from './dial.ts';
import { openClient } from './open-client.ts';
import { createTalk, type Talk } from './talk.ts';

export interface LinkTimings {
  readonly connectMs: number;
  readonly handshakeMs: number;
  readonly welcomeMs: number;
  readonly ackMs: number;
  readonly reconnect: ReconnectPace;
}

export interface ControlLinkOptions {
  readonly address: Address;
  readonly admission: Admission;
  readonly timings: LinkTimings;
  readonly hello: (talk: Pick<Talk, 'session' | 'received'>) => HelloInput;
  /** What the coordinator calls this builder, which may be news. */
  readonly onNamed: (name: string) => void;
  readonly stats: ControlSessionOptions['stats'];
  readonly bulkBytes: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface ControlLink extends CoordinatorLink {
  /** Resolves when `signal` has aborted, to null, or to the reason when it was refused for good. */
  keep(onMessage: (message: CoordinatorMessage) => void, signal: AbortSignal): Promise<string | null>;
  /** Resolves when the coordinator has all that was said, or the signal aborts, or there is no connection. */
  untilHeard(signal: AbortSignal): Promise<void>;
}

type Try =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string; readonly wasWelcome: boolean };

const HEARD_STEP_MS = 10;

export function createControlLink(options: ControlLinkOptions): ControlLink {
  const { address, admission, timings, clock, log } = options;
  const talk = createTalk();
  let heartbeatMs = 5_000;
  let session: ControlSession | undefined;
  let isUp = false;

  async function tryOnce(
    onMessage: (message: CoordinatorMessage) => void,
    signal: AbortSignal,
  ): Promise<Try> {
    const opened = await openClient({
      address,
      ident: CONTROL_IDENT,
      ...(await admission.forControl()),
      ...timings,
      signal,
    });
    if (opened.kind !== 'open') {
      return { wasWelcome: false, ...opened, kind: opened.kind === 'refused' ? 'refused' : 'lost' };
    }
    const { client, socket, hostKey } = opened;
    try {
      await admission.met(hostKey);
      const channel = await openChannel(client, timings.welcomeMs);
      if (typeof channel === 'string') {
        return { kind: 'lost', reason: channel, wasWelcome: false };
      }
      let wasWelcome = false;
      session = startControlSession({
        ...options,
        channel,
        socket,
        talk,
        hello: () => options.hello(talk),
        onWelcome(welcome) {
          ({ heartbeat_ms: heartbeatMs } = welcome);
          wasWelcome = true;
          isUp = true;
          options.onNamed(welcome.name);
          log.info(
            { name: welcome.name, address: `${address.host}:${address.port}` },
            'the coordinator welcomed this builder',
          );
        },
        onMessage,
        ...timings,
      });
      const running = session;
      client.once('close', () => running.end('it hung up'));
      const onAbort = (): void => running.end('stopped');
      signal.addEventListener('abort', onAbort);
      const ended = await running.ended;
      signal.removeEventListener('abort', onAbort);
      if (ended.kind === 'lost') {
        return { ...ended, wasWelcome };
      }
      const { code, reason } = ended.refusal;
      return mayComeAgain(ended.refusal)
        ? { kind: 'lost', reason: `it refused (${code}): ${reason}`, wasWelcome: false }
        : { kind: 'refused', reason };
    } finally {
      isUp = false;
      session = undefined;
      client.end();
      client.destroy();
    }
  }
  return {
    send: (message) => talk.send(message),
    get isUp() {
      return isUp;
    },
    get heartbeatMs() {
      return heartbeatMs;
    },
    async keep(onMessage, signal) {
      const isStopped = (): boolean => signal.aborted;
      for (let failures = 0; !isStopped(); failures += 1) {
        const ended = await tryOnce(onMessage, signal);
        if (isStopped()) {
          break;
        }
        if (ended.kind === 'refused') {
          log.error({ reason: ended.reason }, 'the coordinator will not have this builder');
          return ended.reason;
        }
        failures = ended.wasWelcome ? 0 : failures;
        // Chance spreads a crowd: nothing depends on it.
        const waitMs = reconnectDelayMs(timings.reconnect, failures, Math.random());
        const { reason } = ended;
        if (ended.wasWelcome) {
          log.warn({ reason, waitMs }, 'lost the coordinator; builds go on, and it is dialled again');
        } else {
          log.warn({ reason, waitMs }, 'the coordinator could not be reached; it is dialled again');
        }
        await clock.sleep(waitMs, signal);
      }
      return null;
    },
    async untilHeard(signal) {
      const isWaiting = (): boolean => isUp && !talk.isAllHad && !signal.aborted;
      while (isWaiting()) {
        await clock.sleep(HEARD_STEP_MS, signal);
      }
    },
  };
}

/** A sentence where it cannot be had. */
function openChannel(client: Client, withinMs: number): Promise<ClientChannel | string> {
  const { promise, resolve } = Promise.withResolvers<ClientChannel | string>();
  const timer = setTimeout(() => resolve('it opened no channel in time'), withinMs);
  client.once('close', () => resolve('it hung up'));
  client.exec(CONTROL_COMMAND, (error, channel) => {
    resolve(error === undefined ? channel : `it opened no channel: ${error.message}`);
  });
  return promise.finally(() => clearTimeout(timer));
}
