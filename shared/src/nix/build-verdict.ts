/** Makes one ending of what a realise process said and how it went. Infrastructure trouble is never a build failure. */
import type { BuildEnding } from '../domain/build-ending.ts';
import { type DerivationPath, storePathName } from '../domain/store-path.ts';
import { describeEnding, type ProcessEnding } from '../kit/run-process.ts';
import { type BuildFact, cleanReason, isAboutOutput, parseBuildFact } from './build-messages.ts';
import { MAX_OUTPUT_MEMORY_BYTES } from './output-memory.ts';

export interface RealiseLimits {
  readonly timeoutMs: number;
  readonly maxSilentMs: number;
}

export interface RealiseOutcome {
  readonly ending: ProcessEnding;
  /** What Nix said at level 0, in its order. */
  readonly errors: readonly string[];
  readonly limits: RealiseLimits;
  /** It was ended because the output of a build took too much memory. */
  readonly isOverMemory?: boolean;
}

const ENDLESS_LINE = `A line of its output did not end and took more than ${MAX_OUTPUT_MEMORY_BYTES / 1024 ** 2} MiB of memory, so it was stopped. Print line ends, or write what has none to a file.`;

/**
 * How `drvPath` ended, given that this process was to realise it; `started`: whose builders began in it. A builder may
 * write messages in Nix's own format, so an error is believed only of what was built here: it can lie about itself.
 */
export function judgeRealise(
  drvPath: DerivationPath,
  started: ReadonlySet<DerivationPath>,
  outcome: RealiseOutcome,
): BuildEnding {
  const { ending, errors } = outcome;
  if (outcome.isOverMemory === true && ending.kind === 'cancelled') {
    return started.has(drvPath)
      ? { kind: 'over_limit', reason: ENDLESS_LINE }
      : { kind: 'dependency_failed', reason: ENDLESS_LINE, drvPath: null };
  }
  if (ending.kind === 'cancelled') {
    return { kind: 'cancelled' };
  }
  if (ending.kind !== 'exited') {
    return { kind: 'infrastructure', reason: `nix-store ${describeEnding(ending)}` };
  }
  if (ending.code === 0) {
    return { kind: started.has(drvPath) ? 'built' : 'substituted' };
  }
  return judgeFailure(drvPath, started, ending.code, errors, outcome.limits);
}

function judgeFailure(
  drvPath: DerivationPath,
  started: ReadonlySet<DerivationPath>,
  code: number,
  errors: readonly string[],
  limits: RealiseLimits,
): BuildEnding {
  const facts = errors
    .flatMap((error) => parseBuildFact(error) ?? [])
    .filter((fact) => isCredible(fact, started));
  const own = facts.find((fact) => fact.drvPath === drvPath && fact.kind !== 'dependency');
  if (own !== undefined) {
    return toOwnEnding(own, limits);
  }
  // Those it failed by come first; that their dependents failed too follows from them.
  const cause = facts.find((fact) => fact.drvPath !== drvPath && fact.kind !== 'dependency');
  if (cause !== undefined) {
    return toDependencyEnding(cause, limits);
  }
  // The first names the cause; what follows is Nix telling what else could not go on.
  const reason = errors[0] === undefined ? `nix-store ended with code ${code}` : cleanReason(errors[0]);
  // 100 to 104 are Nix's codes for a build's own fault.
  if (code < 100 && !errors.some(isAboutOutput) && facts.length === 0) {
    return { kind: 'infrastructure', reason };
  }
  return started.has(drvPath)
    ? { kind: 'failed', reason, exitCode: null }
    : { kind: 'dependency_failed', reason, drvPath: null };
}

/** What was not begun cannot have failed, and what was begun was supported. */
function isCredible({ kind, drvPath }: BuildFact, started: ReadonlySet<DerivationPath>): boolean {
  return kind === 'dependency' || started.has(drvPath) !== (kind === 'unsupported');
}

function toOwnEnding(fact: BuildFact, limits: RealiseLimits): BuildEnding {
  switch (fact.kind) {
    case 'too_long':
    case 'too_silent':
      return { kind: 'timed_out', reason: describeLimit(fact.kind, limits) };
    case 'unsupported':
      return { kind: 'unsupported', reason: describeLack('It', fact) };
    case 'starved':
      return { kind: 'infrastructure', reason: describeStarved(fact) };
    case 'failed':
    case 'dependency':
      return { kind: 'failed', reason: fact.reason, exitCode: null };
  }
}

function toDependencyEnding(fact: BuildFact, limits: RealiseLimits): BuildEnding {
  switch (fact.kind) {
    case 'unsupported':
      return { kind: 'unsupported', reason: describeLack(storePathName(fact.drvPath), fact) };
    case 'starved':
      return { kind: 'infrastructure', reason: describeStarved(fact) };
    case 'too_long':
    case 'too_silent':
      return {
        kind: 'dependency_failed',
        reason: `${storePathName(fact.drvPath)} ${describeLimit(fact.kind, limits)}`,
        drvPath: fact.drvPath,
      };
    case 'failed':
    case 'dependency':
      return { kind: 'dependency_failed', reason: fact.reason, drvPath: fact.drvPath };
  }
}

function describeStarved({ reason }: BuildFact): string {
  return /signal 9\b/.test(reason) ? `${reason}: most likely the host ran out of memory` : reason;
}

// From 2.8 on, then two forms of newer ones.
const LACKS = [
  /a '(?<system>[^']*)' with features \{(?<features>[^}]*)\} is required .* but I am a '(?<here>[^']*)' with features \{(?<has>[^}]*)\}/s,
  /Required system: '(?<system>[^']*)'(?: with features \{(?<features>[^}]*)\})?.*Current system: '(?<here>[^']*)'(?: with features \{(?<has>[^}]*)\})?/s,
  /Required features: \{(?<features>[^}]*)\}.*Available features: \{(?<has>[^}]*)\}/s,
];

/** In Nix's words where a version of it says something else. */
function describeLack(what: string, { reason }: BuildFact): string {
  const lack = LACKS.map((pattern) => pattern.exec(reason)?.groups).find((groups) => groups !== undefined);
  if (lack === undefined) {
    return reason;
  }
  const { system, features = '', here, has = '' } = lack;
  return features === ''
    ? `${what} needs a builder for ${system}; this one builds for ${here}.`
    : `${what} needs a builder${system === undefined ? '' : ` for ${system}`} with the features ${features}; this one ${here === undefined ? 'has' : `builds for ${here} with`} ${has === '' ? 'none' : has}.`;
}

function describeLimit(kind: 'too_long' | 'too_silent', { timeoutMs, maxSilentMs }: RealiseLimits): string {
  return kind === 'too_long'
    ? `took longer than ${formatDuration(timeoutMs)}`
    : `said nothing for ${formatDuration(maxSilentMs)}`;
}

/** `5 h`, `60 min`, `90 s`: the unit in which an operator would have set it. */
function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds >= 7_200 && seconds % 3_600 === 0) {
    return `${seconds / 3_600} h`;
  }
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
