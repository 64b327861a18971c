import type { AttributeKind } from '@argunix/shared/domain/attribute-path';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Source } from './source-checkout.ts';

/** What the configuration says about evaluating one repository. */
export interface EvaluationSettings {
  readonly source: Source;
  readonly systems: readonly string[];
  readonly attributes: readonly AttributeKind[];
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly workers: number;
  readonly allowImportFromDerivation: boolean;
  readonly allowNetwork: boolean;
  /** Whether the evaluation of another commit with the same files may be taken over. */
  readonly reuseSameTree: boolean;
  /** Its share against other repositories. */
  readonly weight: number;
}

/** Undefined for a repository that is not in the configuration any more. */
export type SettingsOf = (repositoryId: RepositoryId) => EvaluationSettings | undefined;
