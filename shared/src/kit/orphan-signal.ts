/**
 * Ties a program's life to ours: the kernel signals it when the thread that started it is gone, whatever ended that
 * (kill -9 too). setpriv sets this up and then becomes the program, so nothing stands between us and it.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

// Where util-linux lives when a service's PATH lists Nix and git only.
const SYSTEM_PATH = ['/usr/bin', '/bin', '/run/current-system/sw/bin'].join(delimiter);

/** Undefined when the program is not there: setpriv would say so only by an exit code that a program may have too. */
export function withOrphanSignal(
  { command, args }: CommandLine,
  signal: 'TERM' | 'KILL',
  path: string,
  cwd: string,
): CommandLine | undefined {
  const program = findProgram(command, path, cwd);
  const setpriv = findProgram('setpriv', `${path}${delimiter}${SYSTEM_PATH}`, '/');
  return program === undefined || setpriv === undefined
    ? undefined
    : { command: setpriv, args: ['--pdeathsig', signal, '--', program, ...args] };
}

function findProgram(command: string, path: string, cwd: string): string | undefined {
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : path.split(delimiter).map((dir) => resolve(cwd, dir, command));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    // ENOENT and its like: it is not here.
    return false;
  }
}
