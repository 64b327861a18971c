/** The tables as Kysely sees them; schema.sql is what the database itself says. Booleans are 0 and 1, times ms since 1970. */
import type { EvaluationOutcome, EvaluationStatus, Trigger } from '@argunix/shared/domain/evaluation-status';
import type { ForgeKind } from '@argunix/shared/domain/forge-kind';
import type { JobPhase, JobStatus } from '@argunix/shared/domain/job-status';
import type { Generated } from 'kysely';

interface RepositoryRow {
  readonly id: Generated<number>;
  readonly forge: string;
  readonly slug: string;
  readonly kind: ForgeKind;
  readonly default_branch: string | null;
  readonly trouble: string | null;
  readonly checked_at: number | null;
  readonly created_at: number;
}

interface HeadRow {
  readonly repository_id: number;
  readonly ref: string;
  readonly sha: string;
  readonly seen_at: number;
}

interface EvaluationRow {
  readonly id: Generated<number>;
  readonly repository_id: number;
  readonly trigger: Trigger;
  readonly ref: string;
  readonly pr_number: number | null;
  readonly sha: string;
  readonly built_sha: string;
  readonly is_trusted: number;
  readonly restart_of: number | null;
  readonly status: EvaluationStatus;
  readonly outcome: EvaluationOutcome | null;
  readonly reason: string | null;
  /** JSON of the final counts, so that a list of ended evaluations needs no look at their jobs. */
  readonly counts: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly building_at: number | null;
  readonly finished_at: number | null;
  /** Equal keys: the evaluator would find the same. */
  readonly reuse_key: string | null;
  readonly tree_key: string | null;
  readonly reused_from: number | null;
  readonly superseded_by: number | null;
}

interface DeliveryRow {
  readonly id: Generated<number>;
  readonly repository_id: number;
  readonly kind: 'push' | 'pull_request' | 'manual';
  readonly ref: string;
  readonly pr_number: number | null;
  readonly sha: string;
  readonly is_trusted: number;
  readonly received_at: number;
  readonly handled_at: number | null;
  readonly verdict: string | null;
  readonly evaluation_id: number | null;
}

interface LeaseRow {
  readonly id: Generated<number>;
  readonly drv_path: string;
  readonly builder: string;
  readonly state: 'active' | 'ended' | 'lost';
  readonly ending: string | null;
  readonly created_at: number;
  readonly ended_at: number | null;
  /** The repository at whose expense it was built. */
  readonly charged_to: number | null;
  readonly started_at: number | null;
  readonly push_ms: number | null;
  readonly pull_ms: number | null;
  readonly pushed_bytes: number | null;
  readonly pulled_bytes: number | null;
}

interface BuilderRow {
  readonly name: string;
  readonly public_key: string;
  readonly former_name: string | null;
  readonly enrolled_at: number;
  readonly enrolled_by: 'token' | 'invitation';
  readonly revoked_at: number | null;
  readonly drained_at: number | null;
  readonly last_seen_at: number | null;
  /** JSON of what it offered when it was last there. */
  readonly offer: string | null;
  readonly nix_version: string | null;
}

interface InvitationRow {
  readonly digest: string;
  readonly name: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly used_at: number | null;
}

interface SpentTokenRow {
  readonly digest: string;
  readonly spent_at: number;
}

interface JobRow {
  readonly id: Generated<number>;
  readonly evaluation_id: number;
  readonly attr: string;
  readonly system: string;
  readonly name: string;
  readonly drv_path: string | null;
  readonly outputs: string;
  readonly required_features: string;
  readonly description: string | null;
  readonly main_program: string | null;
  readonly status: JobStatus;
  readonly phase: JobPhase | null;
  readonly reason: string | null;
  readonly attempt: number;
  readonly cause_job_id: number | null;
  readonly lease_id: number | null;
  readonly builder: string | null;
  readonly created_at: number;
  /** When the current attempt was queued. */
  readonly queued_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly bumped_at: number | null;
  /** The job whose failure, not long ago, stands for this one. */
  readonly earlier_job_id: number | null;
}

interface AttemptRow {
  readonly job_id: number;
  readonly number: number;
  readonly status: JobStatus;
  readonly reason: string | null;
  readonly lease_id: number | null;
  readonly builder: string | null;
  readonly started_at: number | null;
  readonly finished_at: number | null;
}

interface CheckPostRow {
  readonly id: Generated<number>;
  readonly repository_id: number;
  readonly sha: string;
  readonly context: string;
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  readonly description: string;
  readonly target_url: string;
  readonly created_at: number;
  readonly tries: Generated<number>;
  readonly next_try_at: number;
  readonly trouble: string | null;
}

interface FailedBuildRow {
  readonly drv_path: string;
  readonly is_trusted: number;
  readonly failed_at: number;
  readonly reason: string;
  readonly job_id: number | null;
  readonly lease_id: number | null;
}

interface BuildTimeRow {
  readonly name: string;
  readonly average_ms: number;
  readonly builds: number;
  readonly updated_at: number;
}

export interface Tables {
  readonly repositories: RepositoryRow;
  readonly heads: HeadRow;
  readonly evaluations: EvaluationRow;
  readonly deliveries: DeliveryRow;
  readonly leases: LeaseRow;
  readonly jobs: JobRow;
  readonly attempts: AttemptRow;
  readonly check_posts: CheckPostRow;
  readonly failed_builds: FailedBuildRow;
  readonly build_times: BuildTimeRow;
  readonly builders: BuilderRow;
  readonly invitations: InvitationRow;
  readonly spent_tokens: SpentTokenRow;
}
