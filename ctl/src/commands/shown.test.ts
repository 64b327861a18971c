import { WhyView } from '@argunix/shared/control-api/queue-views';
import { StatusView } from '@argunix/shared/control-api/status-view';
import { EvaluationView, RepositoryView } from '@argunix/shared/control-api/views';
import { describe, expect, test } from 'vitest';
import { builder, evaluation, job } from '../testing/sample-views.ts';
import { json, useStandIn } from '../testing/stand-in.ts';

const ESC = '\u001b';
const AT = '2026-01-02T03:04:05.000Z';

const { answers, asked, ctl } = await useStandIn();

describe('what is shown', () => {
  test('status sums up and passes warnings on', async () => {
    const view = StatusView.parse({
      version: '0.1.0',
      started_at: AT,
      external_url: 'http://localhost',
      repositories: 2,
      evaluations: { queued: 1, evaluating: 0, building: 3 },
      jobs: { queued: 4, running: 5 },
      builders: [
        builder({
          name: 'local',
          state: 'quarantined',
          quarantine: { since: AT, until: AT, failures: 3, reason: 'Its disk is full.' },
          nix_version: '2.8.0',
          sandboxed: false,
        }),
      ],
      builder_enrollment: { address: 'ci.example.com:2222', host_key_fingerprint: 'SHA256:theHostKey' },
      refusals: [{ at: AT, from: `203.0.113.7${ESC}[2J`, reason: 'The invitation was used.' }],
      warnings: ['The disk is nearly full.'],
    });
    answers.set('GET /api/v1/status', json(view));

    const { code, out } = await ctl('status');

    expect(code).toBe(0);
    expect(out).toMatch(/^evaluations: +1 queued, 0 evaluating, 3 building$/m);
    expect(out).toContain('warning: The disk is nearly full.');
    expect(out).toMatch(/local +quarantined +1\/4 +x86_64-linux +2\.8\.0 +off .*Its disk is full\.$/m);
    expect(out).toMatch(/^builders dial: +ci\.example\.com:2222$/m);
    expect(out).toMatch(/^host key: +SHA256:theHostKey$/m);
    expect(out).toMatch(/ago +203\.0\.113\.7 +The invitation was used\.$/m);
  });

  test('evals list passes its filters on and shows a row for each', async () => {
    answers.set(
      'GET /api/v1/evals',
      json([evaluation(), evaluation({ id: 6, status: 'building', outcome: null })]),
    );

    const { code, out } = await ctl(
      'evals',
      'list',
      '--repo',
      'here/demo/sample',
      '--status',
      'done',
      '--limit',
      '2',
    );

    expect(asked).toEqual(['GET /api/v1/evals?repo=here%2Fdemo%2Fsample&status=done&limit=2']);
    expect(out.split('\n')[1]).toMatch(
      /^7 +here\/demo\/sample +refs\/heads\/main +0123456 +failure +2\/3, 1 not +/,
    );
    expect(out.split('\n')[2]).toMatch(/^6 .* building /);
    expect(code).toBe(0);
  });

  test('evals show has every job, also those beyond the first page', async () => {
    const first = Array.from({ length: 500 }, (_, index) =>
      job({ id: index + 1, attr: `packages.a${index}` }),
    );
    answers.set('GET /api/v1/evals/7', json(evaluation()));
    answers.set('GET /api/v1/evals/7/jobs?limit=500', json(first));
    answers.set(
      'GET /api/v1/evals/7/jobs?limit=500&after=packages.a499',
      json([job({ id: 900, attr: 'packages.z' })]),
    );

    const { out } = await ctl('evals', 'show', '7');
    const asJson = EvaluationView.parse(JSON.parse((await ctl('--json', 'evals', 'show', '7')).out));

    expect(out).toMatch(/^900 +packages\.z +failure +3 s +The builder ended with 1\.$/m);
    expect(asJson.jobs).toHaveLength(501);
  });

  test('repos list shows the trouble of a repository', async () => {
    const repository = RepositoryView.parse({
      forge: 'here',
      slug: 'demo/sample',
      kind: 'git',
      visibility: 'private',
      hook: { state: 'never_installed', trouble: null, checked_at: null, delivered_at: null },
      web_url: null,
      default_branch: 'refs/heads/main',
      default_branch_url: null,
      trouble: 'The server cannot be reached.',
      checked_at: AT,
      latest: evaluation(),
      url: 'http://localhost/r/here/demo/sample',
    });
    answers.set('GET /api/v1/repos', json([repository]));

    const { out } = await ctl('repos', 'list');

    expect(out).toMatch(
      /here\/demo\/sample +git +readers +main +never installed +failure +7 .* The server cannot be reached\./,
    );
  });

  test('jobs show and why', async () => {
    answers.set('GET /api/v1/jobs/31', json(job()));
    answers.set(
      'GET /api/v1/jobs/31/why',
      json(
        WhyView.parse({
          job_id: 31,
          status: 'queued',
          kind: 'needs',
          reason: 'Waits for gcc-14.2.0, which it needs.',
          until: null,
          phase: null,
          builder: null,
          since: null,
          needs: [
            {
              name: 'gcc-14.2.0',
              drv_path: '/nix/store/00000000000000000000000000000000-gcc-14.2.0.drv',
              internal: true,
              jobs: [],
              job_count: 12,
              running: null,
            },
          ],
        }),
      ),
    );

    expect((await ctl('jobs', 'show', '31')).out).toContain('output out: /nix/store/');
    expect((await ctl('jobs', 'why', '31')).out).toBe(
      'queued: Waits for gcc-14.2.0, which it needs.\n  gcc-14.2.0: a shared dependency of 12 jobs\n',
    );
  });

  test('names of strangers cannot play with the terminal', async () => {
    answers.set(
      'GET /api/v1/evals',
      json([evaluation({ ref: `refs/heads/${ESC}[2Jevil\u202e${ESC}]0;title\u0007` })]),
    );

    const { out } = await ctl('evals', 'list');

    expect(out).not.toContain(ESC);
    expect(out).toContain('refs/heads/evil ');
  });
});
