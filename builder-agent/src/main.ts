/** The commands of `argunix-builder`. Each lives in a module that is loaded only when it is asked for. */
import { isAppError } from '@argunix/shared/kit/app-error';
import { Command, CommanderError, Option } from 'commander';
import { environmentName, OPTIONS, type OptionSpec } from './config/option-table.ts';
import { VERSION } from './version.ts';

const EXIT_USAGE = 2;

function createProgram(): Command {
  const program = new Command('argunix-builder')
    .description('Lends this host to an argunix coordinator as a builder.')
    .version(VERSION)
    .showHelpAfterError('(argunix-builder --help shows what there is)')
    .exitOverride();
  for (const spec of OPTIONS) {
    program.addOption(toOption(spec));
  }
  program.action(async (options: unknown) => {
    const { join } = await import('./commands/join.ts');
    process.exitCode = await join(options);
  });
  program
    .command('capabilities')
    .description('Tell what this host would offer a coordinator: systems, features, jobs, sandbox, Nix.')
    .option('--json', 'as one JSON object')
    .action(async (options: { json?: true }) => {
      const { printCapabilities } = await import('./commands/capabilities.ts');
      await printCapabilities({ isJson: options.json === true });
    });
  return program;
}

function toOption({ long, value, summary, fallback }: OptionSpec): Option {
  const option = new Option(`--${long}${value === null ? '' : ` <${value}>`}`, summary);
  // A switch that is on because a variable is set to "false" helps nobody.
  const named = value === null ? option : option.env(environmentName(long));
  return fallback === null ? named : named.default(fallback);
}

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has said it already; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (isAppError(error)) {
    process.stderr.write(`argunix-builder: ${error.message}\n`);
    // At once: what was half started must not keep alive a program that could not start.
    process.exit(error.traits.exitCode);
  } else {
    throw error;
  }
}
