/** The thread behind store-front.ts: it listens where evaluators ask, and speaks to the daemon for them. */
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { type Session, startSession } from './session.ts';
import type { FromFront, ToFront } from './store-front.ts';

interface Front {
  readonly server: Server;
  readonly sessions: Set<Session>;
  lost: Error | undefined;
}

const daemonSocket = String(workerData);
const fronts = new Map<string, Front>();
const port = parentPort;
if (port === null) {
  throw new Error('store-front/thread runs only as a thread');
}

async function open(socketPath: string): Promise<void> {
  const front: Front = { server: createServer(), sessions: new Set(), lost: undefined };
  front.server.on('connection', (client) => {
    const session = startSession(client, connect(daemonSocket), (lost) => {
      front.sessions.delete(session);
      front.lost ??= lost;
    });
    front.sessions.add(session);
  });
  await new Promise<void>((resolve, reject) => {
    front.server.once('error', reject);
    front.server.listen(socketPath, resolve);
  });
  // Whoever sees the directory may connect: that is the evaluator, by its mount namespace.
  await chmod(socketPath, 0o666);
  fronts.set(socketPath, front);
}

async function settle(socketPath: string): Promise<void> {
  const front = fronts.get(socketPath);
  await Promise.all([...(front?.sessions ?? [])].map((session) => session.settled()));
  if (front?.lost !== undefined) {
    throw front.lost;
  }
}

async function close(socketPath: string): Promise<void> {
  const front = fronts.get(socketPath);
  fronts.delete(socketPath);
  front?.server.close();
  for (const session of front?.sessions ?? []) {
    session.close();
  }
  await rm(socketPath, { force: true });
}

const WORK = { open, settle, close };

port.on('message', ({ id, what, socketPath }: ToFront) => {
  WORK[what](socketPath).then(
    () => port.postMessage({ id, trouble: null } satisfies FromFront),
    (error: unknown) =>
      port.postMessage({
        id,
        trouble: error instanceof Error ? error.message : String(error),
      } satisfies FromFront),
  );
});
