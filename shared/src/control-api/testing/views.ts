/** Whole views for tests, made from what a test cares about; parsed, so that they cannot drift from the schemas. */
import { EvaluationView, JobView } from '../views.ts';

const AT = '2026-01-01T00:00:00.000Z';
const COUNTS = {
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

export function jobView(differences: Partial<JobView>): JobView {
  return JobView.parse({
    id: 1,
    eval_id: 1,
    attr: 'packages.x86_64-linux.default',
    system: 'x86_64-linux',
    name: 'letter',
    drv_path: null,
    outputs: {},
    status: 'queued',
    phase: null,
    reason: null,
    builder: null,
    attempts: 1,
    created_at: AT,
    started_at: null,
    finished_at: null,
    timings: { wait_ms: null, push_ms: null, build_ms: null, pull_ms: null, publish_ms: null },
    bytes: { pushed: 0, pulled: 0 },
    log_url: null,
    log_drv_path: null,
    earlier: null,
    url: '/job',
    publications: [],
    ...differences,
  });
}

export function evaluationView(differences: Partial<EvaluationView>): EvaluationView {
  return EvaluationView.parse({
    id: 1,
    repo: { forge: 'here', slug: 'demo/sample' },
    trigger: 'push',
    ref: 'refs/heads/main',
    pr_number: null,
    sha: 'a'.repeat(40),
    built_sha: 'a'.repeat(40),
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
    status: 'queued',
    outcome: null,
    reason: null,
    counts: COUNTS,
    created_at: AT,
    started_at: null,
    building_at: null,
    finished_at: null,
    url: '/r/here/demo/sample/eval/1',
    ...differences,
  });
}
