import type { AttributeKind, AttributePath } from '@argunix/shared/domain/attribute-path';
import type { Sha } from '@argunix/shared/domain/sha';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

/** What is evaluated: a checkout we made, or a flake reference a person gave to `argunix eval` and `argunix run`. */
export type FlakeSource =
  | {
      readonly kind: 'checkout';
      /** A git worktree of exactly `sha`; its `.git` points at `mirrorDir`, those of its submodules below it. */
      readonly worktreeDir: string;
      readonly mirrorDir: string;
      readonly sha: Sha;
      readonly hasSubmodules: boolean;
      /** Files are real in the worktree only; git itself holds pointers. */
      readonly hasLargeFiles: boolean;
      /** None for a revision that is not trusted. */
      readonly inputs: readonly FetchedRepository[];
    }
  | { readonly kind: 'reference'; readonly reference: string };

/** A repository that was fetched with a credential before the evaluation, which itself gets none. */
export interface FetchedRepository {
  /** A bare repository with the branches and tags of the other. */
  readonly mirrorDir: string;
  /** To be answered from the mirror when asked for by exactly one of these. */
  readonly urls: readonly string[];
}

export interface EvaluationRequest {
  /** Names what is kept between evaluations (fetched inputs): never shared between repositories or levels of trust. */
  readonly cacheKey: string;
  readonly source: FlakeSource;
  readonly systems: readonly string[];
  readonly attributes: readonly AttributeKind[];
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly workers: number;
  readonly allowImportFromDerivation: boolean;
  readonly allowNetwork: boolean;
}

export interface FoundJob {
  readonly kind: 'job';
  readonly attr: AttributePath;
  readonly system: string;
  readonly name: string;
  readonly drvPath: DerivationPath;
  /** Null where the path is known only after the build (content-addressed). */
  readonly outputs: Readonly<Record<string, string | null>>;
  readonly requiredFeatures: readonly string[];
  readonly description: string | null;
  readonly mainProgram: string | null;
}

/** One attribute that could not be evaluated; the others go on. */
export interface BrokenAttribute {
  readonly kind: 'broken';
  readonly attr: AttributePath;
  readonly system: string | null;
  /** Nix's own message, without colours. */
  readonly message: string;
}

export type Found = FoundJob | BrokenAttribute;

export type EvaluationEnding =
  /** The evaluator went through everything and said so: only this can mean "no jobs". */
  | { readonly kind: 'complete'; readonly warnings: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'timed_out'; readonly reason: string }
  | {
      readonly kind: 'out_of_memory';
      readonly reason: string;
      /** What was being evaluated; none when it was the flake itself. */
      readonly attrs: readonly AttributePath[];
    }
  | { readonly kind: 'cancelled' }
  /** The host's fault: it may be tried again. */
  | { readonly kind: 'infrastructure'; readonly reason: string };

export interface Evaluator {
  readonly name: 'nix-eval-jobs' | 'built-in';
  /** Another text whenever it is another program, or another version of it. */
  readonly identity: string;
  /**
   * Streams what is found, in batches, as it is found; the evaluator is held back while `onFound` is pending.
   * Never rejects for what the flake does, but with what `onFound` threw. It resolves after the last `onFound` did, and
   * when the signal aborts, after every descendant is gone.
   * Callers may be concurrent.
   */
  evaluate(
    request: EvaluationRequest,
    onFound: (found: readonly Found[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<EvaluationEnding>;
}
