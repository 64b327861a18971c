/**
 * The commands of `argunix`. Each lives in a module that is loaded only when it is asked for: `argunix --help` and
 * `argunix schema` must not pay for the database and the server.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { VERSION } from './version.ts';

// Compiled code is kept between starts, as the start script has it kept, for those who start this file. Never in a
// directory that others may write to, for it is run.
const caches = process.env['XDG_CACHE_HOME'] ?? (process.env['HOME'] && join(process.env['HOME'], '.cache'));
if (caches) {
  enableCompileCache(join(caches, 'argunix/compile-cache'));
}

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;

function createProgram(): Command {
  const program = new Command('argunix')
    .description('Continuous integration for Nix flakes.')
    .version(VERSION)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(argunix --help shows what there is)')
    .exitOverride();

  program
    .command('serve')
    .description('Watch repositories, build what is pushed, show it.')
    .requiredOption('--config <file>', 'the configuration')
    .option('--listen <host:port>', 'instead of what the configuration says')
    .option('--state-dir <dir>', 'instead of what the configuration says')
    .action(async (options: { config: string; listen?: string; stateDir?: string }) => {
      const { serve } = await import('./commands/serve.ts');
      process.exitCode = await serve(options);
    });

  program
    .command('eval')
    .description('The jobs CI would find in a flake, one JSON line each, as they are found.')
    .argument('<flake>', 'a directory or any flake reference')
    .option('--systems <a,b>', 'the host by default')
    .option('--attrs <a,b>', 'kinds of attributes: packages, checks, ...; all by default')
    .action(async (flake: string, options: { systems?: string; attrs?: string }) => {
      const { evaluate } = await import('./commands/eval.ts');
      process.exitCode = await evaluate(flake, options);
    });

  program
    .command('run')
    .description('Evaluate and build here what CI would.')
    .argument('<flake>', 'a directory or any flake reference')
    .option('--systems <a,b>', 'the host by default')
    .option('--attrs <a,b>', 'kinds of attributes: packages, checks, ...; all by default')
    .option('--json', 'the evaluation as one JSON object on standard output, nothing else there')
    .action(async (flake: string, options: { systems?: string; attrs?: string; json?: true }) => {
      const { run } = await import('./commands/run.ts');
      process.exitCode = await run(flake, { ...options, json: options.json === true });
    });

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

// A reader that went away (`argunix eval . | head`) wants no more; it is no failure of ours. What runs ends as it does
// when it is told to, and leaves nothing behind.
let isReaderGone = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      throw error;
    }
    if (!isReaderGone) {
      isReaderGone = true;
      if (!process.emit('SIGTERM')) {
        process.exit();
      }
    }
  });
}

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
    // At once: what was half started must not keep alive a program that could not start.
    process.exit(isAppError(error) ? error.traits.exitCode : EXIT_WRONG);
  }
}
