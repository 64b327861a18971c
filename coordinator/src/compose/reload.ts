/** Reads the configuration again, and has applied what of it can be applied while everything goes on. */
import type { Logger } from '@argunix/shared/kit/logger';
import { compareConfigurations } from '../config/compare-configurations.ts';
import type { Configuration } from '../config/configuration.ts';
import type { CommandVerdict } from '../ports/commands.ts';
import type { Reload, Reloaded } from '../ports/reload.ts';

export type ReadAgain = () => Promise<
  | {
      readonly kind: 'configuration';
      readonly configuration: Configuration;
      readonly warnings: readonly string[];
    }
  /** Every problem of it, as `argunix check` prints them. */
  | { readonly kind: 'refused'; readonly report: string }
>;

export interface ReloadSources {
  readonly readAgain: ReadAgain;
  readonly current: () => Configuration;
  /** Makes this the current one, or throws and leaves everything as it is. */
  readonly apply: (configuration: Configuration) => Promise<void>;
  readonly log: Logger;
  /** Aborts when the coordinator stops. */
  readonly signal: AbortSignal;
}

export function createReload({ readAgain, current, apply, log, signal }: ReloadSources): Reload {
  let last: Promise<unknown> = Promise.resolve();

  async function reload(askedBy: string): Promise<CommandVerdict<Reloaded>> {
    const read = await readAgain();
    if (read.kind === 'refused') {
      const { report } = read;
      log.warn({ askedBy, report }, 'the configuration was read again: it has problems, so nothing changed');
      return { kind: 'refused', reason: `The configuration has problems, so nothing changed.\n${report}` };
    }
    if (signal.aborted) {
      return { kind: 'refused', reason: 'The coordinator is stopping; its next start reads the file.' };
    }
    const { warnings } = read;
    const { configuration, applied, needsRestart } = compareConfigurations(current(), read.configuration);
    await apply(configuration);
    log.info({ askedBy, applied, needsRestart, warnings }, 'the configuration was read again');
    return { kind: 'done', applied, needsRestart, warnings };
  }

  return (askedBy) => {
    const own = last.then(() => reload(askedBy));
    last = own.catch(() => undefined);
    return own;
  };
}
