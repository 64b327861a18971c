/**
 * One SSH connection to the coordinator, up to the point where channels can be opened. The host proves its key before
 * anything is said to it; ours is proved first, and the token is given only to a host that asks for it after that.
 */
import type { Socket } from 'node:net';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Secret } from '@argunix/shared/kit/secret';
import { SSH_USER } from '@argunix/shared/protocol/version';
import ssh2, { type AuthHandlerMiddleware, type Client } from 'ssh2';
import type { HostKeyVerdict } from '../../domain/host-key.ts';
import { type Address, dial } from './dial.ts';
import { fingerprintOf } from './fingerprint.ts';

export interface OpenClientOptions {
  readonly address: Address;
  readonly ident: string;
  readonly privateKey: Secret;
  /** Null: the key has to be enough. */
  readonly token: Secret | null;
  readonly judgeHost: (fingerprint: string) => HostKeyVerdict;
  readonly connectMs: number;
  readonly handshakeMs: number;
  readonly signal: AbortSignal;
}

export type Opening =
  | { readonly kind: 'open'; readonly client: Client; readonly socket: Socket; readonly hostKey: string }
  /** To come again would change nothing. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Never rejects. An open client still needs a listener for errors: it has one that ignores them, its close tells all. */
export async function openClient(options: OpenClientOptions): Promise<Opening> {
  let socket: Socket;
  try {
    socket = await dial(options.address, options.connectMs, options.signal);
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
  return await shakeHands(socket, options);
}

function shakeHands(socket: Socket, options: OpenClientOptions): Promise<Opening> {
  const { promise, resolve } = Promise.withResolvers<Opening>();
  const client = new ssh2.Client();
  const { token, signal } = options;
  let hostKey = '';
  let isSettled = false;

  function settle(opening: Opening): void {
    if (isSettled) {
      return;
    }
    isSettled = true;
    signal.removeEventListener('abort', onAbort);
    if (opening.kind !== 'open') {
      client.destroy();
    }
    resolve(opening);
  }
  const onAbort = (): void => settle({ kind: 'failed', reason: 'stopped' });
  const authHandler: AuthHandlerMiddleware = (left, isPartial, next) => {
    // Null at first, whatever the types say: nothing was tried yet.
    if ((left as unknown) === null) {
      next({ type: 'publickey', username: SSH_USER, key: options.privateKey.reveal() });
    } else if (isPartial && left.includes('password') && token !== null && !wasTokenGiven) {
      wasTokenGiven = true;
      next({ type: 'password', username: SSH_USER, password: token.reveal() });
    } else {
      settle({ kind: 'refused', reason: whyNotIn({ isPartial, wasTokenGiven }) });
    }
  };
  let wasTokenGiven = false;
  client.on('ready', () => settle({ kind: 'open', client, socket, hostKey }));
  client.on('error', (error) => settle({ kind: 'failed', reason: error.message }));
  client.on('close', () => settle({ kind: 'failed', reason: 'the coordinator hung up' }));
  signal.addEventListener('abort', onAbort);
  client.connect({
    sock: socket,
    ident: options.ident,
    username: SSH_USER,
    authHandler,
    readyTimeout: options.handshakeMs,
    hostVerifier: (key: Buffer) => {
      hostKey = fingerprintOf(key);
      const verdict = options.judgeHost(hostKey);
      if (verdict.kind === 'refused') {
        settle({ kind: 'refused', reason: verdict.reason });
        return false;
      }
      return true;
    },
  });
  return promise;
}

function whyNotIn({ isPartial, wasTokenGiven }: { isPartial: boolean; wasTokenGiven: boolean }): string {
  if (wasTokenGiven) {
    return 'The coordinator does not take this token: it may have been used, have expired, or be that of another host. Ask for a new invitation.';
  }
  return isPartial
    ? 'The coordinator does not know this builder, and there is no token to introduce it with: give --enrollment-token-path.'
    : 'The coordinator does not let this builder in: it was revoked or removed. If that is a mistake, re-admit it there.';
}
