import { resolve } from 'node:path';
import { AppError } from '@argunix/shared/kit/app-error';
import { runProcess } from '@argunix/shared/kit/run-process';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { nixSurroundings } from '@argunix/shared/nix/nix-surroundings';
import { pino } from 'pino';
import type { Coordinator } from '../compose/coordinator.ts';
import type { ReadAgain } from '../compose/reload.ts';
import type { Configuration } from '../config/configuration.ts';
import { loadConfiguration } from '../config/load-configuration.ts';
import { parseSocketAddress } from '../config/socket-address.ts';
import { VERSION } from '../version.ts';
import { formatPlace, formatReport, PLAIN } from './check.ts';

export interface ServeOptions {
  readonly config: string;
  readonly listen?: string;
  readonly stateDir?: string;
}

// Streams, the ladder of Nix and the last writes fit in; what still hangs by then is left to the kernel.
const STOP_WITHIN_MS = 20_000;

/** The daemon, until SIGTERM or SIGINT; a second SIGINT, from a person in a hurry, ends it at once. Returns the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = await loadConfiguration(options.config, { env: process.env });
  if (loaded.kind === 'refused') {
    process.stderr.write(formatReport(options.config, loaded, PLAIN));
    return 1;
  }
  const log = pino({ level: process.env['ARGUNIX_LOG'] ?? 'info' }, pino.destination({ fd: 2, sync: true }));
  for (const warning of loaded.warnings) {
    log.warn({ warning }, 'the configuration');
  }
  const stop = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => stop.resolve(signal));
  }
  const started = Promise.withResolvers<Coordinator>();
  // What asks before the start is over is done after it.
  process.on('SIGHUP', () => {
    started.promise
      .then((coordinator) => coordinator.reload('SIGHUP'))
      .catch((error: unknown) => log.error({ err: error }, 'the configuration could not be read again'));
  });
  // Its processes answer while this one loads the rest of the program.
  const asked = readNixConfiguration(nixSurroundings(process.env).env);
  asked.catch(() => undefined);
  const [{ startCoordinator }, { openLauncher }] = await Promise.all([
    import('../compose/coordinator.ts'),
    import('../compose/launcher.ts'),
  ]);
  const configuration = withOverrides(loaded.configuration, options);
  const coordinator = await startCoordinator({
    configuration,
    readAgain: () => readAgain(options),
    env: process.env,
    nix: await asked,
    log,
    version: VERSION,
  });
  started.resolve(coordinator);
  process.stdout.write(`listening on ${coordinator.url}\n`);
  await tellSystemd('--ready');
  const launcher = await openLauncher(configuration.stateDir, log);
  const cause = await Promise.race([stop.promise, coordinator.broken]);
  if (cause instanceof Error) {
    log.error({ err: cause }, 'stopping, for nothing can be stored any more; to be started again');
  } else {
    log.info({ signal: cause }, 'stopping');
  }
  process.once('SIGINT', () => process.exit(130));
  await tellSystemd('--stopping');
  const late = setTimeout(() => {
    log.error({ STOP_WITHIN_MS }, 'the stop took too long and is cut off; everything that ended is stored');
    process.exit(0);
  }, STOP_WITHIN_MS);
  try {
    await coordinator.stop();
  } finally {
    await launcher?.stop();
    // From here on it holds nobody up, but cuts off whatever still does.
    late.unref();
  }
  return cause instanceof Error ? 1 : 0;
}

async function readAgain(options: ServeOptions): ReturnType<ReadAgain> {
  const loaded = await loadConfiguration(options.config, { env: process.env });
  return loaded.kind === 'refused'
    ? { kind: 'refused', report: formatReport(options.config, loaded, PLAIN).trimEnd() }
    : {
        kind: 'configuration',
        configuration: withOverrides(loaded.configuration, options),
        warnings: loaded.warnings.map((warning) => `${formatPlace(warning, PLAIN)}: ${warning.message}`),
      };
}

function withOverrides(configuration: Configuration, { listen, stateDir }: ServeOptions): Configuration {
  const address = listen === undefined ? configuration.listen : parseSocketAddress(listen);
  if (address === undefined) {
    throw new AppError('usage.invalid', `--listen: expected host:port, got ${JSON.stringify(listen)}`);
  }
  if (stateDir === undefined) {
    return { ...configuration, listen: address };
  }
  const dir = resolve(stateDir);
  const socket = configuration.controlSocketPath.startsWith(`${configuration.stateDir}/`)
    ? `${dir}${configuration.controlSocketPath.slice(configuration.stateDir.length)}`
    : configuration.controlSocketPath;
  return { ...configuration, listen: address, stateDir: dir, controlSocketPath: socket };
}

/** Node has no Unix datagram sockets; the program that comes with systemd has. */
async function tellSystemd(what: '--ready' | '--stopping'): Promise<void> {
  if (process.env['NOTIFY_SOCKET'] !== undefined) {
    await runProcess({
      command: 'systemd-notify',
      args: [what],
      env: { PATH: process.env['PATH'], NOTIFY_SOCKET: process.env['NOTIFY_SOCKET'] },
      deadlineMs: 5_000,
      // systemd hears only of its own service's main process, which it takes the program's parent for.
      isOwnChild: true,
    });
  }
}
