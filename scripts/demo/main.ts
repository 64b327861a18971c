/** `./demo` after the set-up: options, signals, exit code. */
import { join } from 'node:path';
import { messageOf } from '@argunix/shared/kit/app-error';
import { screenOf } from '@argunix/shared/terminal/screen';
import { parseOptions, USAGE } from './options.ts';
import { runDemo } from './run-demo.ts';

const verdict = parseOptions(
  process.argv.slice(2),
  process.cwd(),
  join(import.meta.dirname, '../../.demo-state'),
);

async function main(): Promise<number> {
  switch (verdict.kind) {
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case 'refused':
      process.stderr.write(`${verdict.reason}\n\n${USAGE}`);
      return 2;
    case 'options':
      break;
  }
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interruption.abort());
  }
  // A reader that went away (`./demo --once | head`) wants no more.
  const reader = new AbortController();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      reader.abort();
      interruption.abort();
    });
  }
  // With --json standard output is the one object's.
  const people = verdict.options.isJson ? process.stderr : process.stdout;
  try {
    return await runDemo(
      verdict.options,
      {
        screen: screenOf(people),
        json: (text) => void process.stdout.write(text),
      },
      interruption.signal,
    );
  } catch (error) {
    if (reader.signal.aborted) {
      return 0;
    }
    if (interruption.signal.aborted) {
      process.stderr.write('Interrupted.\n');
      return 130;
    }
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
