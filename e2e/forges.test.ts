/** From a delivery of each forge to what it shows in the end: real git over HTTP with credentials, real builds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_SHA, type Sha } from '@argunix/shared/domain/sha';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DeliveryHeaders } from '../coordinator/src/ports/forge-deliveries.ts';
import { until } from '../coordinator/test/until.ts';
import { flakeOf } from './harness/flake-text.ts';
import { type ForgeScene, SLUG, startForgeScene } from './harness/forges/forge-scene.ts';
import { forgejo, forgejoHeaders } from './harness/forges/forgejo-in-test.ts';
import { gitHubByApp, gitHubByToken, gitHubHeaders } from './harness/forges/github-in-test.ts';
import { gitLab, gitLabHeaders } from './harness/forges/gitlab-in-test.ts';
import type { ForgeInTest } from './harness/forges/live-forge.ts';

const KINDS: readonly {
  readonly name: string;
  readonly make: () => Promise<ForgeInTest>;
  readonly headers: (event: string) => DeliveryHeaders;
}[] = [
  { name: 'GitHub with a token', make: gitHubByToken, headers: gitHubHeaders },
  { name: 'GitHub as an App', make: gitHubByApp, headers: gitHubHeaders },
  { name: 'GitLab', make: gitLab, headers: gitLabHeaders },
  { name: 'Forgejo', make: forgejo, headers: forgejoHeaders },
];
const TWO_JOBS = 'good = build "good" "echo good > $out"; bad = build "bad" "echo it breaks; exit 1";';
const EVALUATION = 'argunix: evaluation';
const GOOD = 'argunix: packages.x86_64-linux.good';
const BAD = 'argunix: packages.x86_64-linux.bad';

let dir: string;
let scene: ForgeScene | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-forges-'));
});
afterEach(async () => {
  const violations = (await scene?.close()) ?? [];
  scene = undefined;
  await rm(dir, { recursive: true, force: true });
  // Every request was one that the forge's own description allows.
  if (violations.length > 0) {
    throw new Error(violations.join('\n'));
  }
});

describe.each(KINDS)('$name', ({ make, headers }) => {
  test('a push and a request of a stranger are built, and the forge shows what came of them', {
    timeout: 120_000,
  }, async () => {
    const forge = await make();
    const started = await startForgeScene({ dir, forge });
    forge.standIn.grant(SLUG, 'maintainer', 'write');
    scene = started;
    const { words } = forge;
    await until('the hook is there', () => started.hook() !== undefined, 30_000);

    const sha = (await started.repository.commit({ 'flake.nix': flakeOf(TWO_JOBS) })) as Sha;
    const push = { slug: SLUG, ref: 'refs/heads/main', before: NO_SHA, after: sha, by: 'maintainer' };
    expect(await started.tell(forge.push(push), headers)).toBe(202);

    const built = { [EVALUATION]: words.failure, [GOOD]: words.success, [BAD]: words.failure };
    await started.checksWhen(sha, (states) => equal(states, built));
    expect(started.checks(sha)[EVALUATION]?.description).toBe('1 built, 1 failed');
    expect(started.checks(sha)[BAD]?.url).toMatch(
      /^http:\/\/ci\.test\/r\/there\/owner\/name\/eval\/1\/job\//,
    );
    // A stranger sees nothing of a private repository, and the token went to it alone.
    expect((await fetch(`${started.coordinator().url}/r/there/${SLUG}`)).status).toBe(404);
    expect(started.git.asked.every(({ sent }) => sent === undefined || sent.username !== '')).toBe(true);

    await started.repository.git('checkout', '-q', '-b', 'topic');
    const head = (await started.repository.commit({
      'flake.nix': flakeOf('only = build "only" "echo 1 > $out";'),
    })) as Sha;
    const request = {
      number: 7,
      headSha: head,
      headName: 'topic',
      headSlug: 'stranger/name' as typeof SLUG,
      baseName: 'main',
      author: 'stranger',
    };
    await started.openRequest(request);
    const opened = {
      slug: SLUG,
      request: { ...request, isDraft: false, isOpen: true },
      action: 'opened',
      by: 'stranger',
    } as const;
    expect(await started.tell(forge.request(opened), headers)).toBe(202);
    await started.checksWhen(
      head,
      (states) =>
        /^(?:pending|action_required)$/.test(states[EVALUATION] ?? '') &&
        (started.checks(head)[EVALUATION]?.description ?? '').startsWith('Waits for approval'),
    );
    const [waiting] = await started.evaluations(head);
    expect(waiting).toMatchObject({ status: 'awaiting_approval', trusted: false, pr_number: 7 });

    expect(await started.command(`/evals/${waiting?.id ?? 0}/approve`)).toBe(200);
    await started.checksWhen(head, (states) => states[EVALUATION] === words.success);
    const [approved] = await started.evaluations(head);
    expect(approved).toMatchObject({ status: 'done', trusted: true });
    expect(approved?.built_sha === head).toBe(forge.mergeRef === null);
  });
});

function equal(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => one[key] === other[key]);
}
