/** Views as a coordinator gives them, made by their own schemas. */
import { BuilderView } from '@argunix/shared/control-api/builder-views';
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
    author: null,
    pusher: null,
    approved_by: null,
    request_url: null,
    commit_url: null,
    built_commit_url: null,
    ref_url: null,
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

export function builder(some: Partial<BuilderView> = {}): BuilderView {
  return BuilderView.parse({
    name: 'rack-1',
    state: 'ready',
    systems: ['x86_64-linux'],
    emulated_systems: [],
    features: ['kvm'],
    mandatory_features: [],
    speed_factor: 1,
    slots: 4,
    slots_used: 1,
    nix_version: '2.31.2',
    sandboxed: true,
    expected_offline: false,
    enrolled: { at: AT, by: 'invitation', key_fingerprint: 'SHA256:abc' },
    connected_since: AT,
    absent_since: null,
    last_seen_at: AT,
    loss_reason: null,
    agent_version: '0.1.0',
    round_trip_ms: 3.44,
    heartbeat_age_ms: 1200,
    stats: {
      load_1: 5.25,
      cores: 16,
      memory_used_bytes: 12 * 2 ** 30,
      memory_total_bytes: 64 * 2 ** 30,
      disk_free_bytes: 200 * 2 ** 30,
      disk_total_bytes: 2 ** 40,
      building: 1,
    },
    paused: null,
    drained_at: null,
    revoked_at: null,
    quarantine: null,
    current: [],
    internal_steps: [],
    transfers: [],
    ...some,
  });
}

export function line(number: number, text: string): LogLineView {
  return LogLineView.parse({ number, at_ms: number, derivation: 'hello-1.0', phase: 'build', text });
}
