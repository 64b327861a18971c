import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { EvaluationId, JobId, RepositoryId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';

/** Texts of domain/reuse-key.ts. */
export interface ReuseKeys {
  readonly commit: string;
  /** Null where nobody asked which tree it is. */
  readonly tree: string | null;
}

export interface ReusableJob {
  readonly id: JobId;
  readonly attr: string;
  readonly system: string;
  /** Null for an attribute that did not evaluate. */
  readonly drvPath: DerivationPath | null;
  readonly outputs: Readonly<Record<string, string | null>>;
}

export interface Takeover {
  readonly from: EvaluationId;
  readonly keys: ReuseKeys;
  /** Those jobs of `from` whose outputs are all there now. */
  readonly cached: readonly JobId[];
}

/** What earlier evaluations found, for evaluations that would find the same. */
export interface ReuseStore {
  /**
   * The newest evaluation of this repository with this key that was evaluated to its end, whatever became of it then.
   * For a trusted one only among the trusted.
   */
  find(
    kind: keyof ReuseKeys,
    key: string,
    wanted: { readonly repositoryId: RepositoryId; readonly isTrusted: boolean },
  ): EvaluationId | undefined;
  /** What it found, in the order of the attributes: the next `limit` after `after`. */
  jobs(
    from: EvaluationId,
    page: { readonly after: string | null; readonly limit: number },
  ): readonly ReusableJob[];
  /**
   * queued → building by way of `evaluating`, with the jobs of another, all at once: they are `cached` or queued, and
   * those that did not evaluate have failed with the same message. Nothing happens, and false comes back, when it is
   * not queued (any more) or the other is gone.
   */
  takeOver(id: EvaluationId, takeover: Takeover, at: EpochMs): Promise<boolean>;
}
