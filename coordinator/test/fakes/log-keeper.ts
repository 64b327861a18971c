import type { Logger } from '@argunix/shared/kit/logger';

export type LogLine = Readonly<Record<string, unknown>> & {
  readonly level: string;
  readonly message: string;
};

/** A logger that keeps what it is told. */
export function createLogKeeper(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const keep =
    (level: string) =>
    (details: object, message: string): void =>
      void lines.push({ ...details, level, message });
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}
