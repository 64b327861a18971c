/** Views as a coordinator gives them, made by their own schemas. */
import { EvaluationView, type JobCounts, JobView, LogLineView } from '@argunix/shared/control-api/views';

const AT = '2026-01-02T03:04:05.000Z';
export const SHA = '0123456789abcdef0123456789abcdef01234567';

function counts(some: Partial<JobCounts>): JobCounts {
  const none = { total: 0, queued: 0, running: 0, cached: 0, success: 0, failure: 0, timed_out: 0 };
  return { ...none, dependency_failed: 0, cancelled: 0, unsupported: 0, error: 0, ...some };
}

export function evaluation(some: Partial<EvaluationView> = {}): EvaluationView {
  return EvaluationView.parse({
    id: 7,
    repo: { forge: 'here', slug: 'demo/sample' },
    trigger: 'push',
    ref: 'refs/heads/main',
    pr_number: null,
    sha: SHA,
    built_sha: SHA,
    trusted: true,
    restart_of: null,
    reused_from: null,
    status: 'done',
    outcome: 'failure',
    reason: null,
    counts: counts({ total: 3, success: 1, cached: 1, failure: 1 }),
    created_at: AT,
    started_at: AT,
    building_at: AT,
    finished_at: '2026-01-02T03:05:10.000Z',
    url: 'http://localhost/r/here/demo/sample/eval/7',
    ...some,
  });
}

export function job(some: Partial<JobView> = {}): JobView {
  return JobView.parse({
    id: 31,
    eval_id: 7,
    attr: 'packages.x86_64-linux.hello',
    system: 'x86_64-linux',
    name: 'hello-1.0',
    drv_path: '/nix/store/00000000000000000000000000000000-hello-1.0.drv',
    outputs: { out: '/nix/store/00000000000000000000000000000000-hello-1.0' },
    status: 'failure',
    phase: null,
    reason: 'The builder ended with 1.',
    builder: 'local',
    attempts: 2,
    created_at: AT,
    started_at: AT,
    finished_at: '2026-01-02T03:04:08.000Z',
    timings: { wait_ms: 1, push_ms: null, build_ms: 3000, pull_ms: null, publish_ms: null },
    bytes: { pushed: 0, pulled: 0 },
    log_url: null,
    log_drv_path: null,
    earlier: null,
    url: 'http://localhost/job',
    publications: [],
    ...some,
  });
}

export function line(number: number, text: string): LogLineView {
  return LogLineView.parse({ number, at_ms: number, derivation: 'hello-1.0', phase: 'build', text });
}
