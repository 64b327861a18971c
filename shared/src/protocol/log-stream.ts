/**
 * The log of a lease on its channel: a line of JSON for each line of the log, `[derivation, phase, text]`, and at the
 * end `{"end": <how many there are>}`. What was cut off is asked for again from the line that is missing.
 */
import { z } from 'zod';
import type { LogLine } from '../domain/log-line.ts';
import { Count } from './paths.ts';

export type WireLogLine = Omit<LogLine, 'atMs'>;

/** A text of a log is cut before this; JSON may take six bytes for one. */
export const MAX_LOG_LINE_BYTES = 1024 * 1024;

const Line = z
  .tuple([z.string().max(300), z.string().max(200), z.string().max(200_000)])
  .transform(([derivation, phase, text]): WireLogLine => ({ derivation, phase, text }));
const End = z.strictObject({ end: Count });

export function logLine({ derivation, phase, text }: WireLogLine): string {
  return `${JSON.stringify([derivation, phase, text])}\n`;
}

export function logEnd(lines: number): string {
  return `${JSON.stringify({ end: lines })}\n`;
}

/** Undefined for what is neither. */
export function parseLogLine(line: string): WireLogLine | { readonly end: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = z.union([Line, End]).safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
