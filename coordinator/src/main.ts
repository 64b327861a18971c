/**
 * The commands of `argunix`. Each lives in a module that is loaded only when it is asked for: `argunix --help` and
 * `argunix schema` must not pay for the database and the server.
 */
import { Command, CommanderError } from 'commander';

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;

function createProgram(): Command {
  const program = new Command('argunix')
    .description('Continuous integration for Nix flakes.')
    .version('0.1.0')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(argunix --help shows what there is)')
    .exitOverride();

  program
    .command('check')
    .description('Tell everything that is wrong with a configuration.')
    .requiredOption('--config <file>', 'the configuration')
    .option('--skip-secrets', 'do not look at the files with secrets: for a check on another host')
    .action(async (options: { config: string; skipSecrets?: true }) => {
      const { check } = await import('./commands/check.ts');
      process.exitCode = await check(options.config, { skipSecrets: options.skipSecrets === true });
    });

  program
    .command('schema')
    .description('Print the JSON schema of the configuration.')
    .action(async () => {
      const { printSchema } = await import('./commands/schema.ts');
      printSchema();
    });

  return program;
}

// A reader that went away (`argunix schema | head`) wants no more; it is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') {
    throw error;
  }
  process.exit();
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has said it already; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    const { isAppError, messageOf } = await import('@argunix/shared/kit/app-error');
    process.stderr.write(
      `argunix: ${isAppError(error) || !(error instanceof Error) ? messageOf(error) : error.stack}\n`,
    );
    process.exitCode = isAppError(error) ? error.traits.exitCode : EXIT_WRONG;
  }
}
