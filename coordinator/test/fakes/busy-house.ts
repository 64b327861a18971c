/** A coordinator in the middle of a working day, with every state that pages can show. Times are before `now`. */
import type { EvaluationView, JobView, RepositoryRef } from '@argunix/shared/control-api/views';
import type { JobStatus } from '@argunix/shared/domain/job-status';
import type { NumberedLine } from '../../src/ports/log-store.ts';
import {
  busyLeases,
  busyQueue,
  type FakeLeases,
  SHARED_LEASE,
  SHARED_NAME,
  waitingJobs,
} from './busy-queue.ts';
import type { FakeQueueState } from './fake-queue.ts';
import { numberLines } from './job-logs.ts';
import { DEMO, evaluationRow, jobRow, repositoryRow } from './view-rows.ts';
import type { FakeRows } from './views.ts';

export interface BusyHouse {
  readonly rows: FakeRows;
  readonly logs: Map<number, NumberedLine[]>;
  readonly queue: FakeQueueState;
  readonly leases: FakeLeases;
  readonly leaseLogs: Map<number, NumberedLine[]>;
  /** The job that runs, whose log goes on. */
  readonly liveJobId: number;
}

const TOOLS: RepositoryRef = { forge: 'codeberg', slug: 'harbour/tools' };
const SITE: RepositoryRef = { forge: 'codeberg', slug: 'harbour/website-with-a-rather-long-name' };
const PACKAGES = [
  'hello',
  'ripgrep',
  'jq',
  'sqlite',
  'openssl',
  'curl',
  'nginx',
  'postgresql',
  'redis',
  'git',
];
const ENDED: readonly JobStatus[] = ['success', 'cached', 'success', 'success', 'cached', 'success'];

export function busyHouse(now: number): BusyHouse {
  const at = (secondsAgo: number): string => new Date(now - secondsAgo * 1000).toISOString();
  const evaluations = [
    building(at),
    evaluationRow({
      id: 41,
      repo: TOOLS,
      status: 'evaluating',
      outcome: null,
      created_at: at(25),
      started_at: at(20),
      building_at: null,
      finished_at: null,
      ref: 'refs/heads/feature/carry-closures',
      sha: 'c0ffee254729296a45a3885639ac7e10f9d54979',
    }),
    evaluationRow({
      id: 40,
      repo: SITE,
      status: 'queued',
      outcome: null,
      created_at: at(8),
      started_at: null,
      building_at: null,
      finished_at: null,
      reason: 'Two evaluations are under way already; it is next.',
    }),
    evaluationRow({ id: 39, outcome: 'failure', ...ran(at, 3900, 420) }),
    evaluationRow({
      id: 38,
      status: 'evaluation_failed',
      outcome: null,
      repo: SITE,
      reason: "error: undefined variable 'pkgz'\n       at /flake.nix:14:23",
      ...ran(at, 5600, 4),
    }),
    evaluationRow({ id: 37, repo: TOOLS, ...ran(at, 9000, 203) }),
    evaluationRow({ id: 36, status: 'superseded', outcome: null, repo: TOOLS, ...ran(at, 9100, 12) }),
    evaluationRow({
      id: 35,
      ...ran(at, 90_000, 61),
      pr_number: 12,
      trigger: 'pull_request',
    }),
    request(at),
  ];
  const jobs = [...buildingJobs(at), ...waitingJobs(at), ...failedJobs(at), ...goodJobs(at)];
  return {
    liveJobId: 1012,
    rows: {
      repositories: [
        repositoryRow({ checked_at: at(12) }),
        repositoryRow({
          ...TOOLS,
          kind: 'forgejo',
          hook: { state: 'good', trouble: null, checked_at: at(40), delivered_at: at(25) },
          web_url: 'https://codeberg.org/harbour/tools',
          default_branch_url: 'https://codeberg.org/harbour/tools/src/branch/main',
          checked_at: at(40),
        }),
        repositoryRow({
          ...SITE,
          kind: 'forgejo',
          visibility: 'private',
          hook: {
            state: 'trouble',
            trouble:
              'codeberg: GET /repos/harbour/website/hooks was answered with 403. Most likely the token needs the scope write:repository.',
            checked_at: at(700),
            delivered_at: null,
          },
          web_url: 'https://codeberg.org/harbour/website',
          checked_at: at(700),
          trouble: 'The git repository could not be reached: connection refused. It is tried again in 4 min.',
        }),
        repositoryRow({ forge: 'here', slug: 'demo/new', checked_at: null }),
      ],
      evaluations,
      jobs,
      attempts: new Map([
        [
          1021,
          [
            {
              number: 1,
              status: 'error',
              reason: 'The builder went away.',
              leaseId: 7,
              startedAt: at(300),
              finishedAt: at(270),
            },
          ],
        ],
      ]),
    },
    logs: new Map([
      [1012, liveLog()],
      [2002, failedLog()],
      [2001, failedLog()],
      [2006, failedLog()],
    ]),
    queue: busyQueue(now),
    leases: busyLeases(now),
    leaseLogs: new Map([[SHARED_LEASE, liveLog()]]),
  };
}

/** A stranger's, that somebody has to look at. */
function request(at: (secondsAgo: number) => string): EvaluationView {
  const page = 'https://codeberg.org/harbour/tools';
  const sha = '5e11ed254729296a45a3885639ac7e10f9d54979';
  const merge = 'ab1de5254729296a45a3885639ac7e10f9d54979';
  return evaluationRow({
    id: 43,
    repo: TOOLS,
    trigger: 'pull_request',
    pr_number: 31,
    trusted: false,
    author: 'passing-sailor',
    pusher: 'another-hand',
    sha,
    built_sha: merge,
    request_url: `${page}/pulls/31`,
    commit_url: `${page}/commit/${sha}`,
    built_commit_url: `${page}/commit/${merge}`,
    ref_url: `${page}/src/branch/main`,
    status: 'awaiting_approval',
    outcome: null,
    reason:
      'passing-sailor, who made the request, may not push to this repository and is not on pr_allowlist.',
    created_at: at(400),
    started_at: null,
    building_at: null,
    finished_at: null,
  });
}

function building(at: (secondsAgo: number) => string): EvaluationView {
  return evaluationRow({
    id: 42,
    status: 'building',
    outcome: null,
    created_at: at(190),
    started_at: at(189),
    building_at: at(170),
    finished_at: null,
    sha: '1b6453892473a467d07372d45eb05abc2031647a',
  });
}

function ran(
  at: (secondsAgo: number) => string,
  secondsAgo: number,
  tookSeconds: number,
): Partial<EvaluationView> {
  return {
    created_at: at(secondsAgo + tookSeconds + 1),
    started_at: at(secondsAgo + tookSeconds),
    building_at: at(secondsAgo + tookSeconds * 0.9),
    finished_at: at(secondsAgo),
  };
}

function buildingJobs(at: (secondsAgo: number) => string): JobView[] {
  const good = PACKAGES.flatMap((name, index) => [
    jobRow({
      id: 1001 + index,
      eval_id: 42,
      attr: `packages.x86_64-linux.${name}`,
      status: ENDED[index % 6] ?? 'success',
      started_at: at(160),
      finished_at: at(160 - index * 7),
    }),
  ]).filter((job) => job.id < 1009);
  const running = [
    ['checks.x86_64-linux.integration', 'The-integration-test'],
    ['nixosConfigurations.harbour', 'nixos-system-harbour-25.11'],
    ['packages.x86_64-linux.firefox', 'firefox-133.0'],
  ].map(([attr = '', name = ''], index) =>
    jobRow({
      id: 1012 + index,
      eval_id: 42,
      attr,
      name,
      status: 'running',
      phase: 'build',
      started_at: at(64 - index * 21),
      finished_at: null,
      outputs: { out: null },
      timings: { wait_ms: 6000, push_ms: null, build_ms: null, pull_ms: null, publish_ms: null },
    }),
  );
  const waits = [
    'Waits for firefox-133.0, which packages.x86_64-linux.firefox builds now.',
    'All 4 slots of local are in use; 2 jobs stand before it.',
    'Only rack-2 can run aarch64-linux, and it is being drained.',
  ];
  const queued = [
    'checks.x86_64-linux.smoke',
    'devShells.x86_64-linux.default',
    'packages.aarch64-linux.hello',
  ].map((attr, index) =>
    jobRow({
      id: 1020 + index,
      eval_id: 42,
      attr,
      status: 'queued',
      attempts: index === 1 ? 2 : 1,
      reason: waits[index] ?? null,
      started_at: null,
      finished_at: null,
      log_url: null,
      created_at: at(150 - index * 8),
      timings: { wait_ms: null, push_ms: null, build_ms: null, pull_ms: null, publish_ms: null },
      system: index === 2 ? 'aarch64-linux' : 'x86_64-linux',
      builder: null,
    }),
  );
  const failed = jobRow({
    id: 1030,
    eval_id: 42,
    attr: 'packages.x86_64-linux."with \\"quotes\\" <b>"',
    status: 'failure',
    reason: 'builder for with-quotes failed with exit code 2',
    started_at: at(140),
    finished_at: at(99),
    log_url: null,
  });
  return [...good, ...running, ...queued, failed];
}

function failedJobs(at: (secondsAgo: number) => string): JobView[] {
  const times = { started_at: at(4200), finished_at: at(4100) };
  return [
    jobRow({
      id: 2001,
      eval_id: 39,
      attr: 'checks.x86_64-linux.unit',
      status: 'failure',
      reason: 'builder for unit-tests failed with exit code 1',
      ...times,
    }),
    jobRow({
      id: 2002,
      eval_id: 39,
      attr: 'packages.x86_64-linux.sample',
      status: 'timed_out',
      reason: 'The build took longer than 5 h (build_timeout_seconds) and was stopped.',
      ...times,
    }),
    jobRow({
      id: 2003,
      eval_id: 39,
      attr: 'packages.x86_64-linux.broken',
      status: 'error',
      drv_path: null,
      outputs: {},
      log_url: null,
      reason:
        "error: attribute 'lib' missing\n       at /nix/store/3ydq3w5x9dkmnjlxvbkc7pfrqgph0c3h-source/flake.nix:31:15:",
      started_at: null,
      finished_at: null,
    }),
    jobRow({
      id: 2004,
      eval_id: 39,
      attr: 'packages.riscv64-linux.sample',
      status: 'unsupported',
      log_url: null,
      system: 'riscv64-linux',
      reason: 'No enrolled builder has system riscv64-linux.',
      started_at: null,
      finished_at: null,
    }),
    jobRow({
      id: 2005,
      eval_id: 39,
      attr: 'packages.x86_64-linux.uses-sample',
      status: 'dependency_failed',
      log_url: null,
      reason: 'It needs sample, which timed out in packages.x86_64-linux.sample.',
      started_at: null,
      finished_at: null,
    }),
    jobRow({
      id: 2006,
      eval_id: 39,
      attr: 'packages.x86_64-linux.harbour-cli',
      status: 'dependency_failed',
      reason: `It needs ${SHARED_NAME}, which failed with exit code 2.`,
      log_drv_path: `/nix/store/1c9wnmghp7qv2y5cf9bpxzxcwzqkhc2m-${SHARED_NAME}.drv`,
      ...times,
    }),
    jobRow({
      id: 2007,
      eval_id: 39,
      attr: 'checks.x86_64-linux.lint',
      status: 'failure',
      reason: 'builder for lint failed with exit code 1',
      log_url: null,
      builder: null,
      started_at: null,
      finished_at: at(4150),
      earlier: {
        job_id: 2001,
        eval_id: 39,
        attr: 'checks.x86_64-linux.unit',
        repo: DEMO,
        url: '/r/here/demo/sample/eval/39/job/checks.x86_64-linux.unit',
        log_url: '/api/v1/jobs/2001/log',
        failed_at: at(9000),
        until: at(-77_400),
      },
    }),
    ...Array.from({ length: 430 }, (_, index) =>
      jobRow({
        id: 2100 + index,
        eval_id: 39,
        attr: `packages.x86_64-linux.python3Packages.module-${String(index).padStart(3, '0')}`,
        status: index % 3 === 0 ? 'cached' : 'success',
        ...times,
      }),
    ),
  ];
}

function goodJobs(at: (secondsAgo: number) => string): JobView[] {
  return [37, 35].flatMap((evaluationId) =>
    PACKAGES.map((name, index) =>
      jobRow(
        {
          id: evaluationId * 100 + index,
          eval_id: evaluationId,
          attr: `packages.x86_64-linux.${name}`,
          started_at: at(9100),
          finished_at: at(9000),
        },
        evaluationId === 37 ? TOOLS : DEMO,
      ),
    ),
  );
}

function liveLog(): NumberedLine[] {
  const unpack = numberLines(
    ['unpacking source archive /nix/store/0c9wnmgh-source', 'source root is source'],
    { derivation: 'The-integration-test', phase: 'unpackPhase' },
  );
  const build = numberLines(
    [
      'build flags: -j4 SHELL=/bin/sh',
      '\u001b[1m\u001b[32m   Compiling\u001b[0m proc-macro2 v1.0.92',
      '\u001b[1m\u001b[32m   Compiling\u001b[0m unicode-ident v1.0.14',
      '\u001b[1m\u001b[33mwarning\u001b[0m\u001b[1m: unused variable: `peer`\u001b[0m',
      '\u001b[1m\u001b[34m  --> \u001b[0msrc/transfer.rs:112:9',
      ...Array.from({ length: 60 }, (_, index) => `[${index + 1}/240] building object src/part-${index}.o`),
    ],
    { derivation: 'The-integration-test', phase: 'buildPhase', number: 2 },
  );
  return [...unpack, ...build];
}

function failedLog(): NumberedLine[] {
  return numberLines(
    [
      ...Array.from({ length: 2400 }, (_, index) => `test case ${index} ... \u001b[32mok\u001b[0m`),
      'test wire::resends_unacked_frames ... \u001b[31mFAILED\u001b[0m',
      '',
      'failures:',
      "thread 'wire::resends_unacked_frames' panicked at src/wire.rs:88:5:",
      'assertion failed: `(left == right)`',
      '  \u001b[31mleft: 3\u001b[0m',
      ' \u001b[32mright: 4\u001b[0m',
      '<script>alert("a log is only text")</script>',
      'make: *** [Makefile:14: check] Error 1',
    ],
    { derivation: 'unit-tests', phase: 'checkPhase' },
  );
}
