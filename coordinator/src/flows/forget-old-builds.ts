import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { BuildHistory } from '../ports/build-history.ts';
import type { FailedBuilds } from '../ports/failed-builds.ts';

export interface ForgetPorts {
  readonly history: Pick<BuildHistory, 'prune'>;
  readonly failedBuilds: Pick<FailedBuilds, 'prune'>;
  readonly failureCacheMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const DAY_MS = 86_400_000;
// What was not built for half a year takes another time by now.
const REMEMBERED_MS = 180 * DAY_MS;

/** Once a day, until the signal aborts: failures that stand for nothing any more, and times of what nobody builds. */
export async function forgetOldBuilds(ports: ForgetPorts, signal: AbortSignal): Promise<void> {
  const { history, failedBuilds, clock, log } = ports;
  while (!signal.aborted) {
    try {
      const now = clock.now();
      const failures = await failedBuilds.prune(toEpochMs(now - ports.failureCacheMs));
      const times = await history.prune(toEpochMs(now - REMEMBERED_MS));
      if (failures > 0 || times > 0) {
        log.info({ failures, times }, 'forgot old builds');
      }
    } catch (error) {
      // They are no harm; the next day is soon enough.
      log.warn({ err: error }, 'old builds could not be forgotten yet');
    }
    await clock.sleep(DAY_MS, signal);
  }
}
