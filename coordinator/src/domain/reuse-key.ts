/**
 * What makes two evaluations find the same. Trust is not in it: whoever looks for an earlier evaluation decides which
 * ones may be taken. Time, memory and workers are not either: only what was evaluated to its end is ever taken over.
 */
import type { AttributeKind } from '@argunix/shared/domain/attribute-path';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Sha } from '@argunix/shared/domain/sha';

export interface ReuseFacts {
  readonly repositoryId: RepositoryId;
  readonly systems: readonly string[];
  readonly attributes: readonly AttributeKind[];
  readonly allowImportFromDerivation: boolean;
  readonly allowNetwork: boolean;
  /** The evaluator and its version. */
  readonly evaluator: string;
  readonly nixVersion: string;
}

// Raised when this program finds other jobs in a revision than it did before.
const RULES = 1;

/** Equal texts for equal facts, whatever the order of systems and attributes. */
export function reuseKey(facts: ReuseFacts, of: 'commit' | 'tree', sha: Sha): string {
  return JSON.stringify([
    RULES,
    facts.repositoryId,
    of,
    sha,
    sorted(facts.systems),
    sorted(facts.attributes),
    facts.allowImportFromDerivation,
    facts.allowNetwork,
    facts.evaluator,
    facts.nixVersion,
  ]);
}

function sorted(words: readonly string[]): readonly string[] {
  return [...new Set(words)].toSorted();
}
