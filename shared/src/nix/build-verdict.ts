/** Makes one ending of what a realise process said and how it went. Infrastructure trouble is never a build failure. */
import type { BuildEnding } from '../domain/build-ending.ts';
import { type DerivationPath, storePathName } from '../domain/store-path.ts';
import { describeEnding, type ProcessEnding } from '../kit/run-process.ts';
import {
  type BuildFact,
  cleanReason,
  isAboutOutput,
  isAboutSubstitution,
  parseBuildFact,
  parseNamelessTimeout,
} from './build-messages.ts';
import {
  describeLack,
  describeLimit,
  describeStarved,
  describeTalk,
  ENDLESS_LINE,
  type RealiseLimits,
} from './ending-sentences.ts';

export interface RealiseOutcome {
  readonly ending: ProcessEnding;
  /** What Nix said at level 0, in its order. */
  readonly errors: readonly string[];
  readonly limits: RealiseLimits;
  /** It was ended because the output of a build took too much memory. */
  readonly isOverMemory?: boolean;
}

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
  const timeout = namelessTimeout(drvPath, started, errors, limits);
  if (timeout !== undefined) {
    return timeout.drvPath === drvPath ? toOwnEnding(timeout, limits) : toDependencyEnding(timeout, limits);
  }
  // The first names the cause; what follows is Nix telling what else could not go on.
  const reason = errors.map(cleanReason).find((said) => said !== '') ?? `nix-store ended with code ${code}`;
  if (facts.every(({ kind }) => kind === 'dependency') && errors.some(isAboutSubstitution)) {
    return { kind: 'infrastructure', reason };
  }
  // 100 to 104 are Nix's codes for a build's own fault.
  if (code < 100 && !errors.some(isAboutOutput) && facts.length === 0) {
    return { kind: 'infrastructure', reason };
  }
  return started.has(drvPath)
    ? { kind: 'failed', reason, exitCode: null }
    : { kind: 'dependency_failed', reason, drvPath: null };
}

/** What is built last has begun last: that is what the timeout is about. */
function namelessTimeout(
  drvPath: DerivationPath,
  started: ReadonlySet<DerivationPath>,
  errors: readonly string[],
  limits: RealiseLimits,
): BuildFact | undefined {
  const timeout = errors.map(parseNamelessTimeout).find((found) => found !== undefined);
  const slow = started.has(drvPath) ? drvPath : [...started].at(-1);
  return timeout === undefined || slow === undefined
    ? undefined
    : {
        kind: timeout.seconds * 1_000 < limits.timeoutMs ? 'too_silent' : 'too_long',
        drvPath: slow,
        reason: '',
        exitCode: null,
      };
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
    case 'too_talkative':
      return { kind: 'over_limit', reason: describeTalk('It', limits) };
    case 'failed':
    case 'dependency':
      return { kind: 'failed', reason: fact.reason, exitCode: fact.exitCode };
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
    case 'too_talkative':
      return {
        kind: 'dependency_failed',
        reason: describeTalk(storePathName(fact.drvPath), limits),
        drvPath: fact.drvPath,
      };
    case 'failed':
    case 'dependency':
      return { kind: 'dependency_failed', reason: fact.reason, drvPath: fact.drvPath };
  }
}
