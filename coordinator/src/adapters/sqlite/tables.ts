/** The tables as Kysely sees them; schema.sql is what the database itself says. Booleans are 0 and 1, times ms since 1970. */
import type { EvaluationOutcome, EvaluationStatus, Trigger } from '@argunix/shared/domain/evaluation-status';
import type { ForgeKind } from '@argunix/shared/domain/forge-kind';
import type { JobPhase, JobStatus } from '@argunix/shared/domain/job-status';
import type { Generated } from 'kysely';
import type { CheckState } from '../../ports/forge.ts';

interface RepositoryRow {
  readonly id: Generated<number>;
  readonly forge: string;
  readonly slug: string;
  readonly kind: ForgeKind;
  readonly default_branch: string | null;
  readonly trouble: string | null;
  readonly checked_at: number | null;
  readonly created_at: number;
  readonly is_private: Generated<number | null>;
  readonly web_url: Generated<string | null>;
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
  /** Where git finds `built_sha`; null: at `ref`. */
  readonly built_ref: Generated<string | null>;
  /** Of a request: logins at the forge. */
  readonly author: Generated<string | null>;
  readonly pusher: Generated<string | null>;
  readonly awaits: Generated<'forge' | 'approval' | null>;
  readonly approved_by: Generated<string | null>;
  readonly is_reported: Generated<number>;
}

interface DeliveryRow {
  readonly id: Generated<number>;
  readonly repository_id: number;
  readonly kind: 'push' | 'pull_request' | 'manual' | 'deleted' | 'closed' | 'rerun' | 'approve';
  readonly origin: 'look' | 'hook' | 'person';
  /** The forge's own id of it. */
  readonly uid: string | null;
  readonly ref: string | null;
  readonly pr_number: number | null;
  readonly sha: string | null;
  readonly is_trusted: number;
  /** JSON: of a request its people, of a button what it is of. */
  readonly details: string | null;
  readonly received_at: number;
  readonly handled_at: number | null;
  readonly verdict: string | null;
  readonly evaluation_id: number | null;
}

interface RequestRow {
  readonly repository_id: number;
  readonly number: number;
  readonly head_sha: string;
  readonly base_ref: string;
  readonly author: string;
  readonly head_name: string;
  readonly seen_at: number;
}

interface HookRow {
  /** The opaque last segment of its URL. */
  readonly id: string;
  readonly forge: string;
  /** Null: of a GitHub App, for all its installations. */
  readonly repository_id: number | null;
  readonly generation: number;
  /** What the forge calls it. */
  readonly forge_id: string | null;
  /** As it was last installed. */
  readonly url: string | null;
  readonly trouble: string | null;
  readonly checked_at: number | null;
  readonly delivered_at: number | null;
  readonly created_at: number;
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

interface CheckRow {
  readonly id: Generated<number>;
  readonly repository_id: number;
  readonly sha: string;
  readonly context: string;
  /** Whose line it is. */
  readonly evaluation_id: number | null;
  readonly job_id: number | null;
  readonly state: CheckState;
  readonly description: string;
  readonly url: string;
  /** Of what it is to say, and of what the forge was last told. */
  readonly version: number;
  readonly posted_version: Generated<number>;
  readonly handle: string | null;
  readonly tries: Generated<number>;
  readonly next_try_at: number;
  readonly trouble: string | null;
  readonly changed_at: number;
  readonly posted_at: number | null;
}

interface ApiTokenRow {
  readonly name: string;
  readonly digest: string;
  /** JSON: what it may. */
  readonly rights: string;
  readonly repositories: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
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
  readonly checks: CheckRow;
  readonly requests: RequestRow;
  readonly hooks: HookRow;
  readonly api_tokens: ApiTokenRow;
  readonly failed_builds: FailedBuildRow;
  readonly build_times: BuildTimeRow;
  readonly builders: BuilderRow;
  readonly invitations: InvitationRow;
  readonly spent_tokens: SpentTokenRow;
}
