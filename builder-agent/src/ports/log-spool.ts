import type { LogLine } from '@argunix/shared/domain/log-line';

/** What a build of this host writes, kept until its lease is released. Appending never waits. */
export interface LogSpool {
  append(lines: readonly Omit<LogLine, 'atMs'>[]): void;
  /** Resolves when there is room for more: at once, unless the disk is slower than the build. */
  room(): Promise<void> | undefined;
  /** Nothing follows. Resolves to the number of lines when all of them are written, or could not be. */
  close(): Promise<number>;
  /** Why it could not be written, as a sentence; what came afterwards is lost. */
  readonly trouble: string | null;
}
