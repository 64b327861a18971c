/** The process that starts programs for the daemon from now on. */
import { join } from 'node:path';
import type { Logger } from '@argunix/shared/kit/logger';
import { startProgramsBy } from '@argunix/shared/kit/start-program';
import { type Launcher, startLauncher } from '../adapters/launcher/launcher.ts';

/** Later than everything that a start waits for; until then, and where there can be none, programs are our own children. */
export async function openLauncher(stateDir: string, log: Logger): Promise<Launcher | undefined> {
  try {
    const launcher = await startLauncher({ socketPath: join(stateDir, 'launcher.sock'), log });
    startProgramsBy(launcher.start);
    return launcher;
  } catch (error) {
    log.warn({ err: error }, 'programs are started without a launcher: each start holds up everything else');
    return undefined;
  }
}
