import { ATTRIBUTE_KINDS } from '@argunix/shared/domain/attribute-path';
import { z } from 'zod';
import { byteSize, flag, listOf, oneOf, seconds, section, wholeNumber } from './scalars.ts';

// An evaluator that may use less than this cannot even read nixpkgs' lib, and its death looks like the flake's fault.
const LEAST_MEMORY_BYTES = 64 * 1024 ** 2;
const MemorySize = byteSize(LEAST_MEMORY_BYTES, 'expected a size of at least 64M, such as 4G or 512M');

const timeoutSeconds = seconds(1);
const workers = wholeNumber(1, 64);
const depth = wholeNumber(0, 100);

export const AttributeKinds = listOf(oneOf(ATTRIBUTE_KINDS), 'flake outputs');
export const Systems = listOf(
  z
    .string({ error: () => 'expected a system such as x86_64-linux' })
    .regex(/^[a-z0-9_]+-[a-z0-9_]+$/, { error: () => 'expected a system such as x86_64-linux' }),
  'systems such as x86_64-linux',
).min(1, { error: () => 'expected at least one system' });

/** Nothing here has a default: what a repository leaves out is as in `eval`. */
export const EvaluationOverrides = section({
  timeout_seconds: timeoutSeconds.optional().describe('As eval.timeout_seconds, for this repository.'),
  workers: workers.optional().describe('As eval.workers, for this repository.'),
  memory_max: MemorySize.optional().describe('As eval.memory_max, for this repository.'),
  allow_import_from_derivation: flag()
    .optional()
    .describe('As eval.allow_import_from_derivation, for this repository.'),
  allow_network: flag().optional().describe('As eval.allow_network, for this repository.'),
  reuse_same_tree: flag().optional().describe('As eval.reuse_same_tree, for this repository.'),
  non_flake_max_depth: depth.optional().describe('As eval.non_flake_max_depth, for this repository.'),
});

export const EvaluationSection = section({
  timeout_seconds: timeoutSeconds
    .default(600)
    .describe(
      'An evaluation that takes longer is ended; ten minutes are plenty for some thousand NixOS systems.',
    ),
  workers: workers
    .default(2)
    .describe('Processes of one evaluation. More are faster for large flakes and share memory_max.'),
  memory_max: MemorySize.prefault('4G').describe(
    'Memory of all workers of one evaluation together. An evaluation that wants more is tried once more, alone, with the whole of memory_budget, and then ends with that as its reason instead of taking the host with it.',
  ),
  memory_budget: MemorySize.optional().describe(
    'Memory of all evaluations together; each counts with its memory_max, and one that does not fit waits. Left out: schedule.eval_concurrency times memory_max.',
  ),
  allow_import_from_derivation: flag()
    .default(true)
    .describe(
      'Whether evaluating may build. Many flakes need it; those that do not evaluate faster without.',
    ),
  allow_network: flag()
    .default(true)
    .describe(
      'Whether the evaluator may reach the network. Flake inputs that are not yet in the store need it.',
    ),
  reuse_same_tree: flag()
    .default(false)
    .describe(
      'Take over the evaluation of another commit with the same files, as is always done for the same commit. Wrong for flakes that read self.rev, revCount or lastModified, so it is off.',
    ),
  evaluator: oneOf(['auto', 'nix-eval-jobs', 'built-in'])
    .default('auto')
    .describe(
      'What evaluates: nix-eval-jobs where it is installed, else the built-in evaluator over plain nix. Naming one makes the start fail when it is not there.',
    ),
  attributes: AttributeKinds.default([...ATTRIBUTE_KINDS]).describe('The flake outputs that become jobs.'),
  non_flake_max_depth: depth.default(5).describe('How deep to look in a repository that is no flake.'),
});
export type EvaluationSection = z.infer<typeof EvaluationSection>;
