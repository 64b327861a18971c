/** Flakes in real repositories, checked out as the coordinator does it, and evaluated by a real Nix. */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { ATTRIBUTE_KINDS } from '@argunix/shared/domain/attribute-path';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { silentLogger } from '@argunix/shared/kit/logger';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import type { RealNix } from '@argunix/shared/nix/testing/real-nix';
import {
  type Confinement,
  type ConfinementOptions,
  createConfinement,
} from '../src/adapters/nix-eval/confinement/confinement.ts';
import { findProgram } from '../src/adapters/nix-eval/confinement/find-program.ts';
import type {
  EvaluationEnding,
  EvaluationRequest,
  Evaluator,
  FlakeSource,
  Found,
} from '../src/ports/evaluator.ts';
import { evaluationId, makeRealGit, never, type RealGit, ref, source } from './real-git.ts';

export interface Evaluated {
  readonly ending: EvaluationEnding;
  readonly found: readonly Found[];
  /** Attribute to what became of it: `job`, or the message. */
  readonly outcomes: Readonly<Record<string, string>>;
}

export interface RealEvaluation {
  readonly git: RealGit;
  /** A commit with these files, in a worktree of its mirror. */
  checkOut(files: Readonly<Record<string, string>>): Promise<Extract<FlakeSource, { kind: 'checkout' }>>;
  /** A flake whose outputs are this Nix text; `mk NAME MORE` in it makes a derivation nobody made before. */
  flake(outputs: string, inputs?: string): Promise<Extract<FlakeSource, { kind: 'checkout' }>>;
  remove(): Promise<void>;
}

const GIB = 1_024 * 1_024 * 1_024;

export async function makeRealEvaluation(prefix = 'argunix-git-'): Promise<RealEvaluation> {
  const git = await makeRealGit({}, prefix);
  let number = 0;
  async function checkOut(
    files: Readonly<Record<string, string>>,
  ): Promise<Extract<FlakeSource, { kind: 'checkout' }>> {
    number += 1;
    const remote = await git.init(`flake-${number}.git`);
    const sha = await git.commit(remote, files);
    return await git.checkout.checkOut(
      { ...source(remote), repositoryId: repositoryId(number) },
      { sha, ref: ref('refs/heads/main'), isTrusted: true },
      evaluationId(number),
      never,
    );
  }
  return {
    git,
    checkOut,
    flake: async (outputs, inputs = '{ }') => await checkOut({ 'flake.nix': flakeText(outputs, inputs) }),
    remove: async () => await git.remove(),
  };
}

/** A repository of its own each, so a mirror of its own. */
function repositoryId(number: number): RepositoryId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a row number without a database
  return number as RepositoryId;
}

export function flakeText(outputs: string, inputs = '{ }'): string {
  return `{
  inputs = ${inputs};
  outputs = { self, ... }@inputs: let
    s = "x86_64-linux";
    mk = name: more: derivation ({
      inherit name; system = s; builder = "/bin/sh"; unique = "${randomBytes(8).toString('hex')}";
      args = [ "-c" "echo hi > $out" ];
    } // more);
  in ${outputs};
}`;
}

export function requestFor(
  flakeSource: FlakeSource,
  changes: Partial<EvaluationRequest> = {},
): EvaluationRequest {
  return {
    cacheKey: 'a repository',
    source: flakeSource,
    systems: ['x86_64-linux'],
    attributes: ATTRIBUTE_KINDS,
    timeoutMs: 60_000,
    memoryBytes: 4 * GIB,
    workers: 1,
    allowImportFromDerivation: false,
    allowNetwork: false,
    ...changes,
  };
}

export async function evaluateAll(
  evaluator: Evaluator,
  request: EvaluationRequest,
  signal: AbortSignal = never,
): Promise<Evaluated> {
  const found: Found[] = [];
  const ending = await evaluator.evaluate(
    request,
    (batch) => {
      found.push(...batch);
      return Promise.resolve();
    },
    signal,
  );
  return { ending, found, outcomes: outcomesOf(found) };
}

export function reasonOf(ending: EvaluationEnding): string {
  return 'reason' in ending ? ending.reason : '';
}

/** Fails on an attribute that is told twice. */
function outcomesOf(found: readonly Found[]): Record<string, string> {
  const outcomes: Record<string, string> = {};
  for (const one of found) {
    if (Object.hasOwn(outcomes, one.attr)) {
      throw new Error(`told twice: ${one.attr}`);
    }
    outcomes[one.attr] = one.kind === 'job' ? 'job' : one.message;
  }
  return outcomes;
}

/** A Nix of a prefix of its own is seen inside, too. */
export async function confine(
  dir: string,
  env: RealNix['env'],
  changes: Partial<ConfinementOptions> = {},
): Promise<Confinement> {
  const nix = realpathSync(findProgram('nix', env['PATH'] ?? '') ?? '');
  const verdict = await createConfinement({
    ...{ dir, env, logger: silentLogger, settings: await readNixConfiguration(env) },
    extraSystemPaths: nix.startsWith('/usr/') ? [] : [dirname(dirname(nix))],
    ...changes,
  });
  if (verdict.kind === 'missing') {
    throw new Error(verdict.reason);
  }
  return verdict.confinement;
}
