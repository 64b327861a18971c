import type { CommandVerdict } from './commands.ts';

export interface Reloaded {
  /** Sentences, each about something that holds from now on. */
  readonly applied: readonly string[];
  /** Sentences, each about something that only a restart brings. */
  readonly needsRestart: readonly string[];
  /** What is worth knowing about the file. */
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration again. A file with problems is `refused` with all of them, and nothing has changed then.
 * Several at a time are done one after the other; `askedBy` is for the log.
 */
export type Reload = (askedBy: string) => Promise<CommandVerdict<Reloaded>>;
