/**
 * What the jobs expression says, line by line. A line without the mark of this process is Nix's or the flake's own
 * text and is never taken for ours.
 */

import { attributePath } from '@argunix/shared/domain/attribute-path';
import { parseDerivationPath, parseStorePath, storePathName } from '@argunix/shared/domain/store-path';
import { z } from 'zod';
import type { FoundJob } from '../../ports/evaluator.ts';
import type { AttributeSegments } from './attribute-order.ts';

export type EvalEvent =
  | { readonly kind: 'begin' | 'long' | 'deep'; readonly pathText: string; readonly path: AttributeSegments }
  | { readonly kind: 'job'; readonly json: string }
  | { readonly kind: 'odd'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'caught' }
  | { readonly kind: 'end' };

/** Undefined for every line that is not marked as ours. */
export function parseEvalEvent(line: string, mark: string): EvalEvent | undefined {
  const prefix = `trace: ${mark} `;
  if (!line.startsWith(prefix)) {
    return undefined;
  }
  const said = line.slice(prefix.length);
  const space = said.indexOf(' ');
  const word = space === -1 ? said : said.slice(0, space);
  const rest = space === -1 ? '' : said.slice(space + 1);
  switch (word) {
    case 'begin':
    case 'long':
    case 'deep':
      return { kind: word, pathText: rest, path: rest.split('/').map(unescapeText) };
    case 'job':
      return { kind: 'job', json: rest };
    case 'odd':
    case 'name':
      return { kind: word, text: unescapeText(rest) };
    case 'caught':
    case 'end':
      return { kind: word };
    default:
      return undefined;
  }
}

const SaidJob = z.object({
  d: z.string(),
  s: z.string(),
  o: z.record(z.string(), z.string()),
  f: z.array(z.string()),
  m: z.string().nullable(),
  p: z.string().nullable(),
});

const MAX_DESCRIPTION = 1_000;
const MAX_NAMES = 200;

/** A job, or the sentence why what the flake calls a derivation is none. */
export function toFoundJob(path: AttributeSegments, json: string): FoundJob | string {
  const said = SaidJob.safeParse(parseJson(json));
  if (!said.success) {
    return said.error.issues[0]?.path[0] === 's'
      ? 'It is not a derivation that Nix made: its system is not a string.'
      : 'It is not a derivation that Nix made: its attributes have the wrong types.';
  }
  const { d, s, o, f, m, p } = said.data;
  return makeFoundJob(path, {
    ...{ drvPath: d, system: s, outputs: o, requiredFeatures: f, description: m, mainProgram: p },
  });
}

export interface SaidOfJob {
  readonly drvPath: string;
  readonly system: string;
  readonly outputs: Readonly<Record<string, string | null>>;
  readonly requiredFeatures: readonly string[];
  /** Both escaped as the expression does. */
  readonly description: string | null;
  readonly mainProgram: string | null;
}

export function makeFoundJob(path: AttributeSegments, said: SaidOfJob): FoundJob | string {
  const drvPath = parseDerivationPath(said.drvPath);
  if (drvPath === undefined) {
    return `It is not a derivation that Nix made: its drvPath is ${JSON.stringify(said.drvPath.slice(0, 200))}.`;
  }
  return {
    kind: 'job',
    attr: attributePath(path),
    system: said.system,
    name: storePathName(drvPath),
    drvPath,
    outputs: Object.fromEntries(
      Object.entries(said.outputs)
        .slice(0, MAX_NAMES)
        .map(([name, output]) => [name, parseStorePath(output ?? '') ?? null]),
    ),
    requiredFeatures: said.requiredFeatures.slice(0, MAX_NAMES),
    description: shownText(said.description),
    mainProgram: shownText(said.mainProgram),
  };
}

function shownText(escaped: string | null): string | null {
  return escaped === null ? null : unescapeText(escaped).slice(0, MAX_DESCRIPTION);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A line that was cut or damaged on its way; the caller says that it is no job.
    return undefined;
  }
}

// What the expression escapes.
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const ESCAPED = /[\u0001-\u001f\u007f%/]/g;

/** As the expression writes it. */
export function escapePath(path: AttributeSegments): string {
  return path.map((segment) => segment.replaceAll(ESCAPED, escapeCharacter)).join('/');
}

function escapeCharacter(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function unescapeText(text: string): string {
  return text.includes('%')
    ? text.replaceAll(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;
}
