import { styleText } from 'node:util';
import type { Configuration } from '../config/configuration.ts';
import { type LoadedConfiguration, loadConfiguration } from '../config/load-configuration.ts';
import type { Problem } from '../config/problem.ts';

type Style = (format: 'bold' | 'dim' | 'yellow' | 'red' | 'green', text: string) => string;

export const PLAIN: Style = (_format, text) => text;

/** Prints every problem and warning of a configuration. Returns the exit code. */
export async function check(
  file: string,
  { skipSecrets }: { readonly skipSecrets: boolean },
): Promise<0 | 1> {
  const loaded = await loadConfiguration(file, { env: process.env, skipSecrets });
  process.stdout.write(formatReport(file, loaded, styleForTerminal));
  return loaded.kind === 'refused' ? 1 : 0;
}

/** Warnings first: the last lines are what a person sees. */
export function formatReport(file: string, loaded: LoadedConfiguration, style: Style): string {
  const warnings = loaded.warnings.map(
    (warning) => `${formatPlace(warning, style)}: ${style('yellow', 'warning')}: ${warning.message}\n`,
  );
  if (loaded.kind === 'configuration') {
    return [...warnings, `${file}: ${style('green', 'OK')}, ${summarize(loaded.configuration)}\n`].join('');
  }
  const problems = loaded.problems.map((problem) => `${formatPlace(problem, style)}\n  ${problem.message}\n`);
  const total = style('red', count(problems.length, 'problem'));
  return [...warnings, ...problems, `${file}: ${total}\n`].join('');
}

/** `file:line:column`, which editors and terminals make a link of, and the path. */
export function formatPlace({ file, line, column, path }: Problem, style: Style): string {
  const place = style('dim', `${file}:${line}:${column}`);
  return path === '' ? place : `${place}: ${style('bold', path)}`;
}

function summarize({ forges }: Configuration): string {
  const repositories = forges.reduce((sum, forge) => sum + forge.repositories.length, 0);
  return `${count(forges.length, 'forge')}, ${count(repositories, 'repository', 'repositories')}`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const styleForTerminal: Style = (format, text) => styleText(format, text, { stream: process.stdout });
