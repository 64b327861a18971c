/** Asks Nix what it would build and what it would fetch: `nix-store --realise --dry-run`, read as it comes. */
import { plainText } from '@argunix/shared/domain/plain-text';
import { type DerivationPath, parseDerivationPath, parseStorePath } from '@argunix/shared/domain/store-path';
import { describeEnding, type ProcessEnding, startProcess } from '@argunix/shared/kit/run-process';
import { createNixLogParser, type NixEvent } from '@argunix/shared/nix/internal-json';
import type { NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import type { BuildPlan, PlannedBuilds } from '../../ports/build-plan.ts';

export interface BuildPlanOptions {
  readonly env: NixEnvironment;
  /** Of one plan, whatever its size: a substituter that does not answer makes Nix wait. */
  readonly deadlineMs?: number;
  /** Derivations for one process. */
  readonly chunk?: number;
}

// 1,000 paths are 100 kB of arguments; Linux takes 2 MB, with the environment.
const CHUNK = 1_000;
// 100 times a NixOS system: what is longer is no plan but a mistake.
const MAX_LISTED = 1_000_000;

interface Lists {
  readonly toBuild: Set<DerivationPath>;
  readonly toFetch: Set<string>;
}

export function createBuildPlan({ env, deadlineMs = 120_000, chunk = CHUNK }: BuildPlanOptions): BuildPlan {
  return {
    async plan(drvPaths, signal): Promise<PlannedBuilds> {
      const lists: Lists = { toBuild: new Set(), toFetch: new Set() };
      const until = performance.now() + deadlineMs;
      for (let from = 0; from < drvPaths.length; from += chunk) {
        const left = Math.max(1, until - performance.now());
        const trouble = await askNix(drvPaths.slice(from, from + chunk), lists, {
          env,
          deadlineMs: left,
          signal,
        });
        if (trouble !== undefined) {
          return { kind: 'unknown', reason: trouble };
        }
      }
      return { kind: 'known', ...lists };
    },
  };
}

interface Asking {
  readonly env: NixEnvironment;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Adds to `lists`; the sentence why it could not, when it could not. */
async function askNix(
  drvPaths: readonly DerivationPath[],
  lists: Lists,
  { env, deadlineMs, signal }: Asking,
): Promise<string | undefined> {
  const running = startProcess({
    command: 'nix-store',
    args: ['--realise', '--dry-run', '--log-format', 'internal-json', ...drvPaths],
    env,
    deadlineMs,
    signal,
    // It changes nothing, so nothing of it has to be ended politely.
    graceMs: 1_000,
    whenOrphaned: 'TERM',
  });
  const reader = createDryRunReader(lists, () => running.stop());
  const parser = createNixLogParser((event) => reader.event(event));
  running.stdin.end();
  running.stdout.resume();
  running.stderr.on('data', (chunk: Buffer) => parser.write(chunk));
  const ending = await running.ended;
  parser.end();
  return reader.isOverfull()
    ? `Nix listed more than ${MAX_LISTED} paths.`
    : describeTrouble(ending, reader.lastWords());
}

function describeTrouble(ending: ProcessEnding, lastWords: string): string | undefined {
  if (ending.kind !== 'exited') {
    return `nix-store ${describeEnding(ending)}`;
  }
  return ending.code === 0
    ? undefined
    : `nix-store ended with code ${ending.code}${lastWords === '' ? '' : `: ${lastWords}`}`;
}

interface DryRunReader {
  event(event: NixEvent): void;
  /** What it said last that is no part of a list. */
  lastWords(): string;
  isOverfull(): boolean;
}

// One or many, with a count or (2.3) without one; newer ones write sizes in other units.
const HEADINGS: readonly (readonly [pattern: RegExp, list: keyof Lists | 'unknown'])[] = [
  [/^(?:this|these)(?: \d+)? derivations? will be built:/, 'toBuild'],
  [/^(?:this|these)(?: \d+)? paths? will be fetched\b/, 'toFetch'],
  [/^don't know how to build these paths\b/, 'unknown'],
];

/** Exported for its test: versions that are not here say it in the words of the headings above. */
export function createDryRunReader(lists: Lists, onOverfull: () => void): DryRunReader {
  let list: keyof Lists | 'unknown' = 'unknown';
  let words = '';
  let isOverfull = false;

  function add(path: string): void {
    const drvPath = list === 'toBuild' ? parseDerivationPath(path) : undefined;
    if (drvPath !== undefined) {
      lists.toBuild.add(drvPath);
    } else if (list === 'toFetch' && parseStorePath(path) !== undefined) {
      lists.toFetch.add(path);
    }
    if (lists.toBuild.size + lists.toFetch.size > MAX_LISTED) {
      isOverfull = true;
      onOverfull();
    }
  }
  /** Warnings may stand anywhere, in a list too. */
  function read(line: string): void {
    const heading = HEADINGS.find(([pattern]) => pattern.test(line));
    const path = /^\s+(?<path>\/nix\/store\/\S+)$/.exec(line)?.groups?.['path'];
    if (heading !== undefined) {
      [, list] = heading;
    } else if (path !== undefined) {
      add(path);
    } else if (line.trim() !== '') {
      words = line.trim().slice(0, 1_000);
    }
  }
  return {
    event(event) {
      if (event.kind === 'line' || event.kind === 'message') {
        for (const line of plainText(event.text).split('\n')) {
          read(line);
        }
      }
    },
    lastWords: () => words,
    isOverfull: () => isOverfull,
  };
}
