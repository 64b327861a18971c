/**
 * Sends signed deliveries as fast as they are taken, or so many a second, over connections that stay: raw sockets with
 * bytes that were made before, so that the sender costs as little as it can. Tells its parent what came back.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SendOrder {
  readonly port: number;
  readonly path: string;
  readonly secret: string;
  readonly connections: number;
  /** Bodies, each sent once. */
  readonly bodies: readonly string[];
  /** Null: as fast as they are taken. */
  readonly perSecond: number | null;
  /** So many are sent before those whose answers are timed: a process that has just begun is slow itself. */
  readonly untimed: number;
}

interface Sent {
  readonly seconds: number;
  /** By status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly latenciesMs: readonly number[];
}

process.on('message', (order: SendOrder) => {
  void send(order).then((sent) => process.send?.(sent));
});
process.on('disconnect', () => process.exit());

async function send(order: SendOrder): Promise<Sent> {
  const { port, path, secret, connections, bodies, perSecond, untimed } = order;
  const requests = bodies.map((body, at) => toRequest(path, secret, body, `${process.pid}-${at}`));
  const answers: Record<string, number> = {};
  const latenciesMs: number[] = [];
  let next = 0;
  const sockets = await Promise.all(Array.from({ length: connections }, () => connected(port)));
  // What the making of all this left behind would be cleared away while others are timed, on their cores.
  globalThis.gc?.();
  const startedAt = performance.now();

  /** Resolves when this connection has nothing more to send. */
  async function drive(socket: Socket): Promise<void> {
    for (let at = next; at < requests.length; at = next) {
      next += 1;
      const dueAt = perSecond === null ? 0 : startedAt + (at * 1000) / perSecond;
      const waitMs = dueAt - performance.now();
      if (waitMs > 1) {
        await sleep(waitMs);
      }
      const sentAt = performance.now();
      const status = await ask(socket, requests[at] ?? Buffer.alloc(0));
      if (at >= untimed) {
        latenciesMs.push(performance.now() - sentAt);
      }
      answers[status] = (answers[status] ?? 0) + 1;
    }
    socket.destroy();
  }
  await Promise.all(sockets.map(drive));
  return { seconds: (performance.now() - startedAt) / 1000, answers, latenciesMs };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function ask(socket: Socket, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? Number.NaN);
      if (end >= 0 && answer.length >= end + 4 + length) {
        socket.off('data', onData);
        socket.off('close', onClose);
        resolve(answer.slice(9, 12));
      }
    };
    const onClose = (): void => reject(new Error('the connection ended'));
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.write(request);
  });
}

function toRequest(path: string, secret: string, body: string, uid: string): Buffer {
  const digest = createHmac('sha256', secret).update(body).digest('hex');
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: ci\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `x-github-event: push\r\nx-github-delivery: ${uid}\r\nx-hub-signature-256: sha256=${digest}\r\n\r\n${body}`,
  );
}
