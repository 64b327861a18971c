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

/** What the configuration says about giving out work. */
export interface DispatchSettings {
  readonly allowsUnsandboxedUntrusted: boolean;
  /** How long work waits after the last builder that could do it went. */
  readonly builderWaitMs: number;
  /** How long it waits for a native builder before emulating ones get it. */
  readonly spillGraceMs: number;
  /** How long a builder that has trouble again and again gets nothing, the first time. */
  readonly quarantineMs: number;
  /** Its share of the builders against other repositories. */
  weightOf(repositoryId: RepositoryId): number;
}

/** Undefined for a repository that is not in the configuration any more. */
export type SettingsOf = (repositoryId: RepositoryId) => EvaluationSettings | undefined;
