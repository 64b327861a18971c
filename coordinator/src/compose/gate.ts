/** The process of the gate: builders' control connections, and the courier as its child. */
// oxlint-disable-next-line no-restricted-imports -- a part of ours with a channel that carries sockets, not another program
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { type Gate, openGate } from '../adapters/ssh/gate/gate.ts';
import type {
  CourierToGate,
  FromGate,
  GateSettings,
  GateToCourier,
  ToGate,
} from '../adapters/ssh/messages.ts';

const COURIER = new URL(`./courier${extname(import.meta.filename)}`, import.meta.url);

let gate: Gate | undefined;

function tell(message: FromGate): void {
  if (process.connected) {
    process.send?.(message);
  }
}

function start(settings: GateSettings): Gate {
  const courier = startCourier(settings);
  return openGate(settings, {
    tell,
    courier: {
      send: (message, socket) => {
        if (courier.connected) {
          // One that hung up on its way there is no trouble of ours.
          courier.send(message, socket, undefined, () => undefined);
        }
      },
      listen: (listener) => courier.on('message', (message: CourierToGate) => listener(message)),
    },
  });
}

function startCourier(settings: GateSettings): ChildProcess {
  const courier = fork(COURIER, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: process.execArgv,
  });
  // Without it nothing can be brought or fetched: the coordinator starts both anew.
  courier.once('exit', () => process.exit(1));
  courier.send({ kind: 'start', settings } satisfies GateToCourier);
  return courier;
}

process.on('message', (message: ToGate) => {
  if (message.kind === 'start') {
    gate ??= start(message.settings);
  } else {
    gate?.take(message);
  }
});
// The coordinator is gone: builders notice at once, and come back to its successor.
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => undefined);
