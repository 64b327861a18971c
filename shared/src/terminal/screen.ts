import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { JobStatus } from '../domain/job-status.ts';

export type Look = 'good' | 'bad' | 'busy' | 'odd' | 'quiet' | 'strong';

/** Where something is said to a person: a terminal, or a pipe, where nothing is cut, coloured or taken back. */
export interface Screen {
  /** Undefined where nobody looks. Asked anew each time: a terminal is resized. */
  columns(): number | undefined;
  readonly hasColours: boolean;
  /** The text as it is where there are no colours, or none are wanted. */
  styled(look: Look, text: string): string;
  write(text: string): void;
}

const FORMATS = {
  good: 'green',
  bad: 'red',
  busy: 'cyan',
  odd: 'yellow',
  quiet: 'dim',
  strong: 'bold',
} as const satisfies Record<Look, Parameters<typeof styleText>[0]>;

export function screenOf(stream: WriteStream): Screen {
  // A dumb terminal knows no way back to the begin of a line.
  const isTerminal = stream.isTTY && process.env['TERM'] !== 'dumb';
  // Asks NO_COLOR and its like, too.
  const hasColours = isTerminal && stream.hasColors();
  return {
    hasColours,
    columns: () => (isTerminal ? stream.columns : undefined),
    styled: (look, text) => (hasColours ? styleText(FORMATS[look], text, { validateStream: false }) : text),
    write: (text) => void stream.write(text),
  };
}

export function lookOfJob(status: JobStatus): Look {
  switch (status) {
    case 'success':
    case 'cached':
      return 'good';
    case 'failure':
    case 'timed_out':
    case 'error':
      return 'bad';
    case 'dependency_failed':
    case 'unsupported':
      return 'odd';
    case 'running':
      return 'busy';
    case 'queued':
    case 'cancelled':
      return 'quiet';
  }
}
