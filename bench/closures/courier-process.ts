/** The coordinator as far as closures go: an SSH server that one builder dials, and a carrier that pushes and pulls. */
import { createServer, type Socket } from 'node:net';
import { parseDerivationPath } from '@argunix/shared/domain/store-path';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import { z } from 'zod';
import { createClosureCarrier } from '../../coordinator/src/adapters/closures/closure-carrier.ts';
import { createDerivationFacts } from '../../coordinator/src/adapters/closures/derivation-facts.ts';
import type { RemoteEnd } from '../../coordinator/src/adapters/closures/serve-end.ts';

const Question = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listen') }),
  z.object({ kind: z.literal('connected') }),
  z.object({ kind: z.literal('push'), drvPath: z.string() }),
  z.object({ kind: z.literal('pull'), drvPath: z.string(), outputs: z.array(z.string()) }),
]);

const [hostKey = ''] = process.argv.slice(2);
const { promise: control, resolve: onControl } = Promise.withResolvers<ServerChannel>();
const wanting: ((channel: ServerChannel) => void)[] = [];
let socket: Socket | undefined;

const sshServer = new ssh2.Server({ hostKeys: [hostKey] }, (connection: Connection) => {
  connection.on('authentication', (attempt) => attempt.accept());
  connection.on('error', () => undefined);
  connection.on('session', (accept) => {
    accept().on('exec', (acceptExec, _reject, { command }) => {
      const channel = acceptExec();
      if (command === 'control') {
        onControl(channel);
      } else {
        wanting.shift()?.(channel);
      }
    });
  });
});
// A socket of our own: ssh2 gives to it whatever there is, and never looks whether it takes it.
const server = createServer((accepted) => {
  socket = accepted;
  sshServer.injectSocket(accepted);
});

const carrier = createClosureCarrier({
  env: process.env,
  derivations: createDerivationFacts(),
  stallMs: 60_000,
  idleMs: 60_000,
  async openRemote() {
    const channel = await new Promise<ServerChannel>((resolve) => {
      wanting.push(resolve);
      void control.then((asking) => asking.write('1'));
    });
    return toRemoteEnd(channel);
  },
});

function toRemoteEnd(channel: ServerChannel): RemoteEnd {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  channel.on('close', () => resolve(''));
  return {
    stream: channel,
    unsentBytes: () => socket?.writableLength ?? 0,
    ended,
    close: () => channel.close(),
  };
}

async function answer(question: z.infer<typeof Question>): Promise<object> {
  if (question.kind === 'listen') {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return { port: typeof address === 'object' ? address?.port : undefined };
  }
  if (question.kind === 'connected') {
    await control;
    return {};
  }
  const drvPath = parseDerivationPath(question.drvPath);
  if (drvPath === undefined) {
    throw new Error(`expected a derivation, got ${question.drvPath}`);
  }
  const observer = { progress: () => undefined };
  const startedAt = performance.now();
  const carried =
    question.kind === 'push'
      ? await carrier.push({ drvPaths: [drvPath] }, observer)
      : await carrier.pull({ drvPath, outputs: question.outputs, covered: question.outputs }, observer);
  const ms = performance.now() - startedAt;
  carried.release();
  return { ms, bytes: carried.bytes, maxRssBytes: process.resourceUsage().maxRSS * 1_024 };
}

process.on('message', (message) => {
  void answer(Question.parse(message)).then((said) => process.send?.(said));
});
process.on('disconnect', () => process.exit(0));
