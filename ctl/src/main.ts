/** Runs one command and ends with its exit code. The only place where this program exits. */
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { terminalText } from '@argunix/shared/terminal/text';
import { CommanderError } from 'commander';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { createProgram, type Invocation } from './program.ts';

async function run({ spec, given, socket, isJson }: Invocation): Promise<void> {
  const [{ createControlClient }, { findControlSocket }, { createPrinter }] = await Promise.all([
    import('./client.ts'),
    import('./control-socket.ts'),
    import('./output/printer.ts'),
  ]);
  const client = createControlClient(findControlSocket(socket), nameOfUser());
  try {
    const print = createPrinter(process.stdout, process.stderr, isJson);
    const command = await spec.load();
    await command({ client, print, now: Date.now, sleep: async (ms) => await sleep(ms) }, given);
  } finally {
    await client.close();
  }
}

/** As it may stand in a header; there may be no such user. */
function nameOfUser(): string {
  try {
    return userInfo()
      .username.replaceAll(/[^\w.@+-]/g, '_')
      .slice(0, 64);
  } catch {
    // A user id without a name, as in a container.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

// A reader that went away (`argunixctl jobs log 1 | head`) wants no more; it is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
  process.exit();
});

try {
  await createProgram(run).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has said it already; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else if (error instanceof CommandFailure) {
    // Each line by itself: all problems of a configuration are one failure.
    process.stderr.write(`argunixctl: ${error.message.split('\n').map(terminalText).join('\n')}\n`);
    process.exitCode = error.exitCode;
  } else {
    throw error;
  }
}
