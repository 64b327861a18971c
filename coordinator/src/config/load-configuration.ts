/** From a file a person wrote to values the program uses, or to everything that is wrong with it at once. */
import { readFile, stat } from 'node:fs/promises';
import { checkSchema } from './check-schema.ts';
import type { Configuration } from './configuration.ts';
import { judgeMemoryBudget } from './memory-budget.ts';
import { type Environment, expandPathValues } from './path-values.ts';
import type { Problem } from './problem.ts';
import { judgeReferences } from './references.ts';
import { judgeSecrets, type SecretVerdicts } from './secret-files.ts';
import { toConfiguration } from './to-configuration.ts';
import { remarkWithoutEffect } from './without-effect.ts';
import { parseYaml } from './yaml-document.ts';

export type LoadedConfiguration =
  | {
      readonly kind: 'configuration';
      readonly configuration: Configuration;
      readonly warnings: readonly Problem[];
    }
  | {
      readonly kind: 'refused';
      readonly problems: readonly Problem[];
      readonly warnings: readonly Problem[];
    };

export interface LoadOptions {
  readonly env: Environment;
  /** For a check on another host than the one it will run on. */
  readonly skipSecrets?: boolean;
  /** Where relative paths begin; the working directory of the process unless told. */
  readonly workingDir?: string;
}

// Some ten thousand repositories fit; a larger file is not a configuration.
const MOST_BYTES = 4 * 1024 * 1024;

export async function loadConfiguration(file: string, options: LoadOptions): Promise<LoadedConfiguration> {
  const text = await readText(file);
  return typeof text === 'string'
    ? await readConfiguration(text, file, options)
    : { kind: 'refused', problems: [text], warnings: [] };
}

async function readText(file: string): Promise<string | Problem> {
  const problem = (message: string): Problem => ({ file, line: 1, column: 1, path: '', message });
  try {
    const { size } = await stat(file);
    return size > MOST_BYTES
      ? problem(`expected a file of at most ${MOST_BYTES} bytes, got ${size}`)
      : await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return problem(`expected a readable file, got ${code}`);
  }
}

/** The same from a text that is already read; `file` only stands in messages. */
export async function readConfiguration(
  text: string,
  file: string,
  { env, skipSecrets = false, workingDir = process.cwd() }: LoadOptions,
): Promise<LoadedConfiguration> {
  const yaml = parseYaml(text, file);
  if (yaml.problems.length > 0) {
    return { kind: 'refused', problems: yaml.problems, warnings: [] };
  }
  const expanded = expandPathValues(yaml.value, env);
  const checked = checkSchema(expanded.value);
  const unexpanded = new Set(expanded.remarks.map(({ path }) => JSON.stringify(path)));
  const secrets: SecretVerdicts = skipSecrets
    ? { problems: [], warnings: [] }
    : await judgeSecrets(expanded.value, workingDir);
  // A path whose variable is missing was told already; that its file is missing too says nothing new.
  const isNews = ({ path }: { readonly path: unknown }): boolean => !unexpanded.has(JSON.stringify(path));
  const problems = [
    ...expanded.remarks,
    ...checked.remarks.filter(isNews),
    ...judgeReferences(expanded.value),
    ...judgeMemoryBudget(expanded.value),
    ...secrets.problems.filter(isNews),
  ].map((remark) => yaml.locate(remark));
  const warnings = inOrder(
    [...remarkWithoutEffect(expanded.value), ...secrets.warnings].map((remark) => yaml.locate(remark)),
  );
  if (checked.document === undefined || problems.length > 0) {
    return { kind: 'refused', problems: inOrder(problems), warnings };
  }
  return { kind: 'configuration', configuration: toConfiguration(checked.document, workingDir), warnings };
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
