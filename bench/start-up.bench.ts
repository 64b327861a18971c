import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { builtProgram } from './built.ts';
import { type Bench, compare, elapsedMs, type Figure, toFigure } from './figure.ts';

const ROOT = join(import.meta.dirname, '..');

export const bench: Bench = {
  about:
    'From a command to its first answer: `argunix --version` by its start script, and Node alone beside it.',
  async *run(): AsyncGenerator<Figure> {
    const built = builtProgram('coordinator');
    const script = await compare(
      () => timeOf(join(ROOT, 'coordinator/bin/argunix'), ['--version']),
      () => timeOf(process.execPath, ['--eval', '0']),
    );
    yield toFigure({ name: 'start-up.script', unit: 'ms', samples: script.ours, atMost: 1_000 });
    yield toFigure({ name: 'start-up.node-alone', unit: 'ms', samples: script.theirs });
    const build = await compare(
      () => timeOf(built.command, [...built.args, '--version']),
      () => timeOf(process.execPath, ['--eval', '0']),
    );
    yield toFigure({ name: 'start-up.build', unit: 'ms', samples: build.ours, atMost: 1_000 });
  },
};

async function timeOf(command: string, args: readonly string[]): Promise<number> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  return await elapsedMs(() => outputOf({ command, args, env, deadlineMs: 30_000 }));
}
