/** Which evaluator, and where it runs: chosen once, when the program starts. */
import { realpath, stat } from 'node:fs/promises';
import { AppError } from '@argunix/shared/kit/app-error';
import { runProcess } from '@argunix/shared/kit/run-process';
import type { Evaluator } from '../../ports/evaluator.ts';
import { createBuiltInEvaluator } from './built-in-evaluator.ts';
import { findProgram } from './confinement/find-program.ts';
import type { EvaluationSpaces } from './evaluation-space.ts';
import { createNixEvalJobsEvaluator } from './nix-eval-jobs-evaluator.ts';

/** From `createConfinement` or `createUnconfinedSpaces`; or the reason why there is neither. */
type FoundSpaces = EvaluationSpaces | { readonly missing: string };

export interface EvaluatorOptions {
  /** Waited for after the evaluators were asked what they can. */
  readonly spaces: FoundSpaces | Promise<FoundSpaces>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Without it nix-eval-jobs where it is installed. */
  readonly prefer?: Evaluator['name'] | undefined;
}

/** Throws `nix.missing` when what is preferred is not there. */
export async function createEvaluator(options: EvaluatorOptions): Promise<Evaluator> {
  const { env, prefer } = options;
  if (findProgram('nix', env['PATH'] ?? '') === undefined) {
    throw new AppError('nix.missing', 'There is no nix on PATH; install Nix 2.8 or newer.');
  }
  const hasNixEvalJobs = prefer !== 'built-in' && (await isUsable(env));
  if (prefer === 'nix-eval-jobs' && !hasNixEvalJobs) {
    throw new AppError(
      'nix.missing',
      'nix-eval-jobs was asked for, and there is none on PATH that takes --expr and --meta (2.18 or newer does).',
    );
  }
  const found = await options.spaces;
  const spaces = 'missing' in found ? closedSpaces(found.missing) : found;
  return hasNixEvalJobs
    ? createNixEvalJobsEvaluator(spaces, await identityOf(env))
    : createBuiltInEvaluator(spaces);
}

/** By its help, as versions do not all tell theirs. */
async function isUsable(env: EvaluatorOptions['env']): Promise<boolean> {
  const { ending, stdout, stderr } = await runProcess({
    command: 'nix-eval-jobs',
    args: ['--help'],
    env,
    deadlineMs: 20_000,
  });
  const help = stdout + stderr;
  return ending.kind === 'exited' && ['--expr', '--meta', '--workers'].every((flag) => help.includes(flag));
}

/** By its file: in a Nix store the path says it all, elsewhere an upgrade changes size or time. */
async function identityOf(env: EvaluatorOptions['env']): Promise<string> {
  const path = await realpath(findProgram('nix-eval-jobs', env['PATH'] ?? '') ?? 'nix-eval-jobs');
  const { size, mtimeMs } = await stat(path);
  return `nix-eval-jobs ${path} ${size} ${mtimeMs}`;
}

function closedSpaces(reason: string): EvaluationSpaces {
  return { open: () => Promise.resolve({ kind: 'refused', reason }) };
}
