import { describe, expect, test } from 'vitest';
import { compareConfigurations } from './compare-configurations.ts';
import type { Configuration } from './configuration.ts';
import { readConfiguration } from './load-configuration.ts';

const BASE = `external_url: https://ci.example.com
state_dir: /var/lib/argunix
systems: [x86_64-linux]
`;
const REPOSITORIES = `forges:
  here:
    kind: git
    repos:
      a/one: { url: /srv/one.git }
      a/two: { url: /srv/two.git }
`;

async function read(text: string): Promise<Configuration> {
  const loaded = await readConfiguration(text, 'argunix.yaml', { env: {}, skipSecrets: true });
  if (loaded.kind === 'refused') {
    throw new Error(JSON.stringify(loaded.problems));
  }
  return loaded.configuration;
}
const compare = async (before: string, after: string) =>
  compareConfigurations(await read(before), await read(after));

test('the same file changes nothing', async () => {
  const { configuration, applied, needsRestart } = await compare(BASE + REPOSITORIES, BASE + REPOSITORIES);

  expect([applied, needsRestart]).toEqual([[], []]);
  expect(configuration).toEqual(await read(BASE + REPOSITORIES));
});

describe('what holds at once', () => {
  test('is told with what it was, in the units of the file', async () => {
    const { configuration, applied, needsRestart } = await compare(
      `${BASE}forges: {}`,
      `${BASE}forges: {}
schedule: { build_timeout_seconds: 60, eval_concurrency: 3 }
builders: { laptop: { expect_offline: true } }
allow_unsandboxed_untrusted: true
metrics: { token_path: /run/metrics }`,
    );

    expect(applied).toEqual([
      'schedule.eval_concurrency is 3 now, and was 2.',
      'schedule.build_timeout_seconds is 60 now, and was 18000.',
      `eval.memory_budget is ${12 * 1024 ** 3} now, and was ${8 * 1024 ** 3}.`,
      'allow_unsandboxed_untrusted is true now, and was false.',
      'builders.*.expect_offline is ["laptop"] now, and was [].',
      'metrics.token_path is /run/metrics now, and was not set.',
    ]);
    expect(needsRestart).toEqual([]);
    expect(configuration).toMatchObject({
      schedule: { buildTimeoutMs: 60_000, evaluationConcurrency: 3 },
      buildersExpectedOffline: ['laptop'],
      allowUnsandboxedUntrusted: true,
      metricsTokenPath: '/run/metrics',
    });
  });

  test('says what has no effect yet', async () => {
    const { applied } = await compare(
      `${BASE}forges: {}`,
      `${BASE}forges: {}\nretention: { max_age_days: 1 }`,
    );

    expect(applied).toEqual(['retention changed, which has no effect in this version.']);
  });
});

describe('repositories', () => {
  test('that come and go are named', async () => {
    const { applied } = await compare(BASE + REPOSITORIES, (BASE + REPOSITORIES).replace('a/two', 'a/three'));

    expect(applied).toEqual([
      'here/a/three is watched from now on.',
      'here/a/two is not watched any more: its work is cancelled, and nobody may read it.',
    ]);
  });

  test('that change alike are told together, by the keys and never by the address', async () => {
    const { applied } = await compare(
      BASE + REPOSITORIES,
      `${BASE}${REPOSITORIES.replace('/srv/two.git', '/srv/elsewhere.git, weight: 2')}eval: { workers: 3 }`,
    );

    expect(applied).toEqual([
      'here/a/one: eval.workers changed.',
      'here/a/two: weight, url, eval.workers changed.',
    ]);
  });

  test('are not all named where there are many', async () => {
    const many = Array.from({ length: 20 }, (_, n) => `      a/r${n}: { url: /srv/${n}.git }\n`).join('');

    const { applied } = await compare(BASE + REPOSITORIES, BASE + REPOSITORIES + many);

    expect(applied).toEqual([
      'here/a/r0, here/a/r1, here/a/r2, here/a/r3, here/a/r4, here/a/r5 and 14 more are watched from now on.',
    ]);
  });
});

describe('what needs a restart', () => {
  test.each([
    [
      'external_url: https://other.example.com',
      'external_url (now https://ci.example.com, the file says https://other.example.com)',
    ],
    ['listen: "[::1]:9090"', 'listen (now 127.0.0.1:8080, the file says [::1]:9090)'],
    [
      'control_socket: /run/s',
      'control_socket (now /var/lib/argunix/control/argunix.sock, the file says /run/s)',
    ],
    ['trusted_proxies: []', 'trusted_proxies (now ["127.0.0.1","::1"], the file says [])'],
    ['local_builds: false', 'local_builds (now true, the file says false)'],
    ['eval: { evaluator: built-in }', 'eval.evaluator (now auto, the file says built-in)'],
    [
      'builder_enrollment: { listen: "0.0.0.0:22" }',
      'builder_enrollment.listen (now nowhere, the file says 0.0.0.0:22)',
    ],
  ])('%s', async (line, sentence) => {
    const [key = ''] = line.split(':');
    const before = await read(`${BASE}forges: {}`);
    const after = await read(`${BASE}forges: {}\n${line}`.replace(new RegExp(`^${key}: .*\\n`), ''));

    const { configuration, applied, needsRestart } = compareConfigurations(before, after);

    expect(needsRestart).toContain(`needs a restart: ${sentence}`);
    expect(applied).toEqual([]);
    expect(configuration).toEqual(before);
    // It is told again as long as it is so.
    expect(compareConfigurations(configuration, after).needsRestart).toEqual(needsRestart);
  });

  test('leaves the rest of its section to be applied', async () => {
    const { configuration, applied, needsRestart } = await compare(
      `${BASE}forges: {}\nbuilder_enrollment: { listen: "[::]:2222", token_path: /run/one }`,
      `${BASE}forges: {}\nbuilder_enrollment: { listen: "[::]:3333", token_path: /run/two }`,
    );

    expect(applied).toEqual(['builder_enrollment.token_path is /run/two now, and was /run/one.']);
    expect(needsRestart).toHaveLength(1);
    expect(configuration.enrollment).toMatchObject({ listen: { port: 2222 }, tokenPath: '/run/two' });
  });

  test('with a section that is gone nobody is let in by its token any more', async () => {
    const { configuration, needsRestart } = await compare(
      `${BASE}forges: {}\nbuilder_enrollment: { listen: "[::]:2222", token_path: /run/one }`,
      `${BASE}forges: {}`,
    );

    expect(needsRestart[0]).toContain('builder_enrollment.listen (now [::]:2222, the file says nowhere)');
    expect(configuration.enrollment).toMatchObject({ listen: { port: 2222 }, tokenPath: null });
  });
});
