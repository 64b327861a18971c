/**
 * Starts programs for the process that forked it, and tells how they ended. Their streams are sockets that lead straight
 * there: nothing they say passes through here. It ends with that process, whatever ended it.
 */
import { createConnection, type Socket } from 'node:net';
import { messageOf } from '@argunix/shared/kit/app-error';
import { spawnIt } from '@argunix/shared/kit/start-program';
import { type LaunchNews, type LaunchOrder, STREAMS } from './messages.ts';

process.on('message', (order: LaunchOrder) => void launch(order));
process.once('disconnect', () => process.exit(0));
// They are meant for who forked us: it ends its programs in its own way, and then us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => undefined);
}

function tell(news: LaunchNews): void {
  if (process.connected) {
    process.send?.(news);
  }
}

async function launch({ id, socketPath, line }: LaunchOrder): Promise<void> {
  const opening = STREAMS.map((at) => open(socketPath, `${id}${at}`));
  try {
    const child = spawnIt(line, await Promise.all(opening));
    if (typeof child === 'string') {
      tell({ kind: 'unstartable', id, message: child });
      return;
    }
    const { pid } = child;
    child.on('error', (error) => {
      if (pid === undefined) {
        tell({ kind: 'unstartable', id, message: `${line.name}: ${error.message}` });
      }
    });
    child.once('exit', (code, signal) => tell({ kind: 'exited', id, code, signal }));
    if (pid === undefined) {
      return;
    }
    // Ours are closed first: what is written to it from now on is its alone.
    await close(opening);
    tell({ kind: 'started', id, pid });
  } catch (error) {
    tell({ kind: 'unstartable', id, message: `${line.name}: ${messageOf(error)}` });
  } finally {
    await close(opening);
  }
}

async function close(opening: readonly Promise<Socket>[]): Promise<void> {
  for (const opened of await Promise.allSettled(opening)) {
    if (opened.status === 'fulfilled') {
      opened.value.destroy();
    }
  }
}

/** Connected, and never read from here. */
function open(path: string, greeting: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.pause();
    socket.on('error', reject);
    socket.write(greeting, () => resolve(socket));
  });
}
