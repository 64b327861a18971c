/** The commands of `argunix-builder`. Each lives in a module that is loaded only when it is asked for. */
import { isAppError } from '@argunix/shared/kit/app-error';
import { Command, CommanderError } from 'commander';

const EXIT_USAGE = 2;

function createProgram(): Command {
  const program = new Command('argunix-builder')
    .description('Lends this host to an argunix coordinator as a builder.')
    .version('0.1.0')
    .showHelpAfterError('(argunix-builder --help shows what there is)')
    .exitOverride();
  program.action(() => {
    program.error(
      'Today this can only tell what this host would offer a coordinator (argunix-builder capabilities); it cannot join one yet.',
    );
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

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has said it already; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (isAppError(error)) {
    process.stderr.write(`argunix-builder: ${error.message}\n`);
    process.exitCode = error.traits.exitCode;
  } else {
    throw error;
  }
}
