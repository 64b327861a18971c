import { existsSync } from 'node:fs';

// Where packages put it, where the service keeps its state, and where `argunix serve` keeps it without any settings.
const USUAL = [
  '/run/argunix/control.sock',
  '/var/lib/argunix/control/argunix.sock',
  './argunix-state/control/argunix.sock',
] as const;

/** What was asked for, else the first usual place where there is one. */
export function findControlSocket(asked: string | undefined): string {
  return asked ?? USUAL.find((path) => existsSync(path)) ?? USUAL[1];
}
