import type { Writable } from 'node:stream';
import { terminalText } from '@argunix/shared/terminal/text';
import { type Column, formatTable } from './table.ts';

/** Where a command says what it has to say: for a person in tables and sentences, or for a program as JSON. */
export interface Printer {
  readonly isJson: boolean;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], whenEmpty: string): void;
  /** One line; made safe for a terminal. */
  sentence(text: string): void;
  /** A line that is safe already. */
  raw(line: string): void;
  json(value: unknown): void;
  /** Not part of the answer: goes to standard error. */
  note(text: string): void;
}

interface Screen extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export function createPrinter(out: Screen, err: Writable, isJson: boolean): Printer {
  const sentence = (text: string): void => void out.write(`${terminalText(text)}\n`);
  return {
    isJson,
    table(columns, rows, whenEmpty) {
      if (rows.length === 0) {
        sentence(whenEmpty);
        return;
      }
      const widthColumns = out.isTTY === true ? (out.columns ?? 80) : undefined;
      out.write(formatTable(columns, rows, { widthColumns }));
    },
    sentence,
    raw: (line) => void out.write(`${line}\n`),
    json: (value) => void out.write(`${JSON.stringify(value)}\n`),
    note: (text) => void err.write(`${terminalText(text)}\n`),
  };
}
