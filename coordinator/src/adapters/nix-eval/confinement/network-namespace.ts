/**
 * A network of its own for one evaluation: out through slirp4netns, which answers for no address of the host's
 * loopback; no cloud metadata (169.254.0.0/16). What listens on another address of the host is reached as from any
 * other machine.
 */
import { plainText } from '@argunix/shared/domain/plain-text';
import { type RunningProcess, runProcess, startProcess } from '@argunix/shared/kit/run-process';

export interface NetworkNamespace {
  /** Runs what follows inside. */
  readonly enter: readonly [command: string, ...args: string[]];
  close(): Promise<void>;
}

export type NetworkOpening =
  | { readonly kind: 'open'; readonly network: NetworkNamespace }
  | { readonly kind: 'refused'; readonly reason: string };

export interface NetworkOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** Without it, only an empty network. */
  readonly isOutgoing: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** slirp4netns' own forwarder: it asks whom the host asks. */
export const NAME_SERVER = '10.0.2.3';

// Measured 10 to 30 ms; a loaded host gets a thousand times that.
const READY_MS = 20_000;
// As long as a timer can be; whatever uses the network ends long before.
const LIFETIME_MS = 2 ** 31 - 1;

export async function openNetwork(options: NetworkOptions): Promise<NetworkOpening> {
  const { env, isRoot, isOutgoing, signal } = options;
  // `cat` holds the namespace: what it repeats says that it is inside, and it ends with our end of its pipe.
  const holder = startProcess({
    command: 'unshare',
    args: [...(isRoot ? [] : ['--user', '--map-root-user']), '--net', '--', 'cat'],
    env,
    deadlineMs: LIFETIME_MS,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
  });
  const running = [holder];
  async function close(): Promise<void> {
    for (const one of running) {
      one.stop();
    }
    await Promise.all(running.map((one) => one.ended));
  }
  async function refuse(reason: string): Promise<NetworkOpening> {
    await close();
    return { kind: 'refused', reason };
  }

  holder.stdin.write('ready\n');
  const trouble = await firstOutput(holder, signal);
  if (trouble !== undefined) {
    return await refuse(`A network namespace could not be made: ${trouble}`);
  }
  const enter = enterCommand(holder.pid ?? 0, isRoot);
  if (isOutgoing) {
    const slirp = startProcess({
      command: 'slirp4netns',
      args: [
        ...['--configure', '--mtu=65520', '--disable-host-loopback', '--ready-fd=1', '--exit-fd=0'],
        ...[String(holder.pid), 'tap0'],
      ],
      env,
      deadlineMs: LIFETIME_MS,
      graceMs: 1_000,
      whenOrphaned: 'KILL',
    });
    running.push(slirp);
    const slirpTrouble = await firstOutput(slirp, signal);
    if (slirpTrouble !== undefined) {
      return await refuse(
        `The confined network could not be started: ${slirpTrouble}. Install slirp4netns, or set eval.allow_network to false.`,
      );
    }
    const blocked = await blackhole(enter, env);
    if (blocked !== undefined) {
      return await refuse(
        `169.254.0.0/16 could not be closed to the confined network: ${blocked}. Install iproute2.`,
      );
    }
  }
  return { kind: 'open', network: { enter, close } };
}

function enterCommand(pid: number, isRoot: boolean): NetworkNamespace['enter'] {
  return isRoot
    ? ['nsenter', `--net=/proc/${pid}/ns/net`, '--']
    : ['nsenter', '--target', String(pid), '--user', '--net', '--preserve-credentials', '--'];
}

async function blackhole(
  enter: NetworkNamespace['enter'],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const [command, ...args] = [...enter, 'ip', 'route', 'add', 'blackhole', '169.254.0.0/16'];
  const { ending, stderr } = await runProcess({ command, args, env, deadlineMs: READY_MS });
  return ending.kind === 'exited' && ending.code === 0 ? undefined : lastLines(stderr);
}

/** Undefined once the program wrote anything to its standard output; else why it never will. */
async function firstOutput(
  running: RunningProcess,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let said = '';
  const onAbort = (): void => resolve('it was cancelled');
  const timer = setTimeout(() => resolve(`it was not ready after ${READY_MS / 1_000} s`), READY_MS);
  running.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-2_000);
  });
  running.stdout.on('data', () => resolve(undefined));
  void running.ended.then((ending) =>
    resolve(ending.kind === 'unstartable' ? ending.message : lastLines(said) || 'it ended at once'),
  );
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) {
    onAbort();
  }
  const trouble = await promise;
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  return trouble;
}

function lastLines(text: string): string {
  return plainText(text).trim().split('\n').slice(-2).join('; ');
}
