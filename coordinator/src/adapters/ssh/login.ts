/** Proves who is at the door: an ed25519 key first, always; then a token, where the key alone is not enough. */
import { SSH_USER } from '@argunix/shared/protocol/version';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import type { LoginVerdict } from './messages.ts';

export interface Visitor {
  readonly publicKey: string;
  /** That it came with, where one was needed. */
  readonly token: string | null;
}

export interface LoginOptions {
  decide(publicKey: string, token: string | null): Promise<LoginVerdict>;
  turnedAway(reason: string): void;
}

// A person who mistypes a token starts the agent again; more tries in one connection are guesses.
const MOST_TOKENS = 3;
// Guessing is no quicker over many connections, each of which waits.
const WRONG_TOKEN_MS = 1_000;
const ALGORITHM = 'ssh-ed25519';

/** Calls `onIn` once whoever it is may come in. */
export function receiveLogin(
  client: Connection,
  options: LoginOptions,
  onIn: (visitor: Visitor) => void,
): void {
  let proven: string | undefined;
  let token: string | null = null;
  let tokens = 0;

  async function judge(context: AuthContext): Promise<void> {
    if (context.username !== SSH_USER) {
      options.turnedAway(`logged in as ${JSON.stringify(context.username.slice(0, 50))}, not as ${SSH_USER}`);
      context.reject(['publickey']);
    } else if (context.method === 'publickey') {
      await judgeKey(context);
    } else if (context.method === 'password' && proven !== undefined && tokens < MOST_TOKENS) {
      tokens += 1;
      const verdict = await options.decide(proven, context.password);
      if (verdict === 'token_good' || verdict === 'known') {
        token = context.password;
        context.accept();
        return;
      }
      if (verdict === 'later') {
        client.end();
        return;
      }
      options.turnedAway('came with a token that is wrong, was used, or has expired');
      await new Promise((resolve) => setTimeout(resolve, WRONG_TOKEN_MS));
      context.reject(tokens < MOST_TOKENS ? ['password'] : []);
    } else {
      context.reject(['publickey']);
    }
  }
  async function judgeKey(context: Extract<AuthContext, { method: 'publickey' }>): Promise<void> {
    if (context.key.algo !== ALGORITHM) {
      context.reject(['publickey']);
      return;
    }
    if (context.signature === undefined) {
      // Whether it may try: every ed25519 key may. Nothing is told about which are known.
      context.accept();
      return;
    }
    const key = ssh2.utils.parseKey(context.key.data);
    const isOwner = !(key instanceof Error) && key.verify(context.blob ?? Buffer.alloc(0), context.signature);
    if (!isOwner) {
      options.turnedAway('came with a key that is not its own');
      context.reject(['publickey']);
      return;
    }
    const publicKey = context.key.data.toString('base64');
    const verdict = await options.decide(publicKey, null);
    proven = publicKey;
    if (verdict === 'known') {
      context.accept();
    } else if (verdict === 'later') {
      client.end();
    } else {
      context.reject(['password'], true);
    }
  }

  client.on('authentication', (context) => {
    judge(context).catch(() => context.reject());
  });
  client.on('ready', () => {
    if (proven !== undefined) {
      onIn({ publicKey: proven, token });
    }
  });
}
