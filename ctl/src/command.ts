import type { ControlClient } from './client.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import type { Printer } from './output/printer.ts';

/** What is known about a command without loading it: help, completion and documentation come from this. */
export interface CommandSpec {
  /** `evals list` is ['evals', 'list']. */
  readonly path: readonly [string] | readonly [string, string];
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly load: () => Promise<Command>;
}

export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  /** Left out, it is empty. */
  readonly isOptional?: boolean;
}

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** What its value is called; left out for a flag. */
  readonly value?: string;
  readonly summary: string;
  readonly choices?: readonly string[];
}

export type Command = (context: CommandContext, given: Given) => Promise<void>;

export interface CommandContext {
  readonly client: ControlClient;
  readonly print: Printer;
  readonly now: () => number;
  /** Resolves after a while; a wait between two tries. */
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Given {
  argument(name: string): string;
  option(long: string): string | undefined;
  hasFlag(long: string): boolean;
}

/** An id as the coordinator counts them. */
export function idOf(given: Given): number {
  const text = given.argument('id');
  if (!/^[1-9][0-9]{0,14}$/.test(text)) {
    throw new CommandFailure(EXIT.usage, `expected an id, a whole number, got ${JSON.stringify(text)}`);
  }
  return Number(text);
}

/** A query string of what was given; what was not is left to the coordinator. */
export function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
