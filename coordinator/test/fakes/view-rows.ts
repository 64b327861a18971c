/** Rows with what every view must have filled in; a test says only what it is about. */
import { evaluationPath, jobLogPath, jobPath, repositoryPath } from '@argunix/shared/control-api/paths';
import type {
  EvaluationView,
  JobView,
  RepositoryRef,
  RepositoryView,
} from '@argunix/shared/control-api/views';

export const DEMO: RepositoryRef = { forge: 'here', slug: 'demo/sample' };

export const NO_COUNTS = {
  total: 0,
  queued: 0,
  running: 0,
  cached: 0,
  success: 0,
  failure: 0,
  timed_out: 0,
  dependency_failed: 0,
  cancelled: 0,
  unsupported: 0,
  error: 0,
};

export function repositoryRow(given: Partial<RepositoryView> = {}): RepositoryView {
  const { forge, slug } = { ...DEMO, ...given };
  return {
    forge,
    slug,
    kind: 'git',
    visibility: 'public',
    hook: null,
    web_url: null,
    default_branch: 'refs/heads/main',
    default_branch_url: null,
    trouble: null,
    checked_at: '2026-03-01T12:00:00.000Z',
    latest: null,
    url: repositoryPath({ forge, slug }),
    ...given,
  };
}

export function evaluationRow(given: Partial<EvaluationView> & { readonly id: number }): EvaluationView {
  const repo = given.repo ?? DEMO;
  return {
    repo,
    trigger: 'push',
    ref: 'refs/heads/main',
    pr_number: null,
    sha: '8f1c0a4d6be27795c1f0a3d2b4e5968778695a4b',
    built_sha: given.sha ?? '8f1c0a4d6be27795c1f0a3d2b4e5968778695a4b',
    trusted: true,
    restart_of: null,
    reused_from: null,
    author: null,
    pusher: null,
    approved_by: null,
    request_url: null,
    commit_url: null,
    built_commit_url: null,
    ref_url: null,
    status: 'done',
    outcome: 'success',
    reason: null,
    counts: NO_COUNTS,
    created_at: '2026-03-01T12:00:00.000Z',
    started_at: '2026-03-01T12:00:01.000Z',
    building_at: '2026-03-01T12:00:09.000Z',
    finished_at: '2026-03-01T12:03:20.000Z',
    url: evaluationPath(repo, given.id),
    ...given,
  };
}

export function jobRow(
  given: Partial<JobView> & { readonly id: number; readonly eval_id: number; readonly attr: string },
  repo: RepositoryRef = DEMO,
): JobView {
  const name = given.name ?? given.attr.split('.').at(-1) ?? 'job';
  return {
    system: 'x86_64-linux',
    name,
    drv_path: `/nix/store/0c9wnmghp7qv2y5cf9bpxzxcwzqkhc2m-${name}.drv`,
    outputs: { out: `/nix/store/3ydq3w5x9dkmnjlxvbkc7pfrqgph0c3h-${name}` },
    status: 'success',
    phase: null,
    reason: null,
    builder: 'local',
    attempts: 1,
    created_at: '2026-03-01T12:00:05.000Z',
    started_at: '2026-03-01T12:00:10.000Z',
    finished_at: '2026-03-01T12:00:52.000Z',
    timings: { wait_ms: 5000, push_ms: null, build_ms: 42_000, pull_ms: null, publish_ms: null },
    bytes: { pushed: 0, pulled: 0 },
    log_url: jobLogPath(repo, given.eval_id, given.attr),
    log_drv_path: null,
    earlier: null,
    url: jobPath(repo, given.eval_id, given.attr),
    publications: [],
    ...given,
  };
}
