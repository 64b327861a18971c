/** What forges serve beside branches and tags: heads and merges of requests, and commits of forks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '@argunix/shared/domain/sha';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  evaluationId,
  makeRealGit,
  never,
  type RealGit,
  ref,
  sha,
  source,
  troubleOf,
} from '../../../test/real-git.ts';

let real: RealGit;
let repository: string;
let base: Sha;
let head: Sha;
/** A repository with one request, whose head no branch or tag has. */
beforeEach(async () => {
  real = await makeRealGit();
  repository = await real.init('owner/sample');
  base = await real.commit(repository, { a: 'base' });
  head = await requestHead('feature', { b: 'head' });
  await real.git(repository, 'update-ref', 'refs/pull/7/head', head);
});
afterEach(async () => {
  await real.remove();
});

async function requestHead(name: string, files: Record<string, string>): Promise<Sha> {
  await real.git(repository, 'checkout', '--quiet', '-b', name, 'main');
  const made = await real.commit(repository, files);
  await real.git(repository, 'checkout', '--quiet', 'main');
  await real.git(repository, 'branch', '--quiet', '--delete', '--force', name);
  return made;
}

async function mergeOf(...parents: readonly Sha[]): Promise<Sha> {
  const flags = parents.flatMap((parent) => ['-p', parent]);
  const merge = sha(await real.git(repository, 'commit-tree', '-m', 'merge', ...flags, `${head}^{tree}`));
  await real.git(repository, 'update-ref', 'refs/pull/7/merge', merge);
  return merge;
}

async function fetchMerge(wanted: Sha, name = 'refs/pull/7/merge'): Promise<Sha | undefined> {
  return await real.checkout.fetchMerge(source(repository), { ref: name, head: wanted }, never);
}

async function reaches(wanted: Sha): Promise<string | undefined> {
  return await real.checkout.isReachable(source(repository), wanted, never);
}

test('the merge of exactly the head is found, and is checked out after another took its name', async () => {
  const merge = await mergeOf(base, head);

  const found = await fetchMerge(head);
  const other = await requestHead('other', { b: 'other' });
  await mergeOf(base, other);
  await real.git(repository, 'reflog', 'expire', '--expire=now', '--all');
  await real.git(repository, 'gc', '--quiet', '--prune=now');
  const placed = await real.checkout.checkOut(
    source(repository),
    { sha: merge, ref: ref('refs/pull/7/merge'), isTrusted: false },
    evaluationId(1),
    never,
  );

  expect(found).toBe(merge);
  expect(await readFile(join(placed.worktreeDir, 'b'), 'utf8')).toBe('head');
});

test('a merge of another head is none, also when the wanted head is further down in it', async () => {
  const newer = sha(await real.git(repository, 'commit-tree', '-m', 'newer', '-p', head, `${head}^{tree}`));
  await mergeOf(base, newer);

  expect(await fetchMerge(head)).toBeUndefined();
  expect(await fetchMerge(newer)).not.toBeUndefined();
});

test('the head itself is no merge of it, and neither is a file', async () => {
  await real.git(repository, 'update-ref', 'refs/pull/7/merge', head);
  expect(await fetchMerge(head)).toBeUndefined();

  const blob = await real.git(repository, 'rev-parse', `${head}:b`);
  await real.git(repository, 'update-ref', 'refs/pull/7/merge', blob);
  expect(await fetchMerge(head)).toBeUndefined();
});

test('a merge that the server does not have is none, a server that is not there is trouble', async () => {
  expect(await fetchMerge(head, 'refs/pull/8/merge')).toBeUndefined();
  expect(
    await troubleOf(
      real.checkout.fetchMerge(source('http://127.0.0.1:1/x'), { ref: 'refs/pull/7/merge', head }, never),
    ),
  ).toMatch(/^git\.unreachable: .*nothing answers there/);
});

test('a mirror that git cannot read is made anew for a merge, too', async () => {
  const merge = await mergeOf(base, head);
  await fetchMerge(head);
  await writeFile(join(real.state.mirrorsDir, '1.git/HEAD'), 'rubbish');
  await writeFile(join(real.state.mirrorsDir, '1.git/config'), 'rubbish');

  expect(await fetchMerge(head)).toBe(merge);
});

test('what only the ref of a request reaches is not reachable, though the mirror holds it', async () => {
  await real.checkout.checkOut(
    source(repository),
    { sha: head, ref: ref('refs/pull/7/head'), isTrusted: false },
    evaluationId(1),
    never,
  );

  expect(await reaches(head)).toBeUndefined();
  expect(await reaches(base)).toBe('refs/heads/main');
});

test('reachability is as of now: a branch that came is seen, one that was forced away is not', async () => {
  await real.git(repository, 'branch', 'x', head);
  expect(await reaches(head)).toBe('refs/heads/x');

  await real.git(repository, 'branch', '--delete', '--force', 'x');
  await real.git(repository, 'branch', 'x/y', base);
  expect(await reaches(head)).toBeUndefined();

  await real.git(repository, 'tag', '--annotate', '--message=v1', 'v1', head);
  await real.git(repository, 'commit', '--quiet', '--allow-empty', '--message=next');
  expect(await reaches(head)).toBe('refs/tags/v1');
  expect(await reaches(base)).toBe('refs/heads/main');
});

test('a revision that is nowhere is not reachable, in an empty repository neither', async () => {
  const empty = await real.init('owner/empty');

  expect(await reaches(sha('1'.repeat(40)))).toBeUndefined();
  expect(
    await real
      .createCheckout({ mirrorsDir: join(real.dir, 'state/others') })
      .isReachable(source(empty), head, never),
  ).toBeUndefined();
});

test.each(['refs/pull/7/head', 'refs/merge-requests/7/head'])(
  'the head of a request is checked out from %s where no bare revisions are given out',
  async (name) => {
    await real.git(repository, 'update-ref', name, head);
    const path = join(real.dir, 'old-git');
    await writeFile(path, '#!/bin/sh\nexec git -c protocol.version=0 "$@"\n', { mode: 0o755 });
    const old = real.createCheckout({ gitBin: path });
    const revision = { sha: head, ref: ref(name), isTrusted: false };

    const placed = await old.checkOut(source(repository), revision, evaluationId(1), never);
    expect(await readFile(join(placed.worktreeDir, 'b'), 'utf8')).toBe('head');

    // The request went on: its old head is nobody's, and said to be gone.
    const next = await requestHead('next', { b: 'next' });
    await real.git(repository, 'update-ref', name, next);
    const elsewhere = real.createCheckout({ gitBin: path, mirrorsDir: join(real.dir, 'state/others') });
    await real.git(repository, 'update-ref', '-d', 'refs/pull/7/head');
    await real.git(repository, 'update-ref', name, next);
    expect(await troubleOf(elsewhere.checkOut(source(repository), revision, evaluationId(2), never))).toMatch(
      /^git\.missing-revision/,
    );
  },
);

test('the head of a request to a shallow repository is checked out', async () => {
  await real.commit(repository, { a: 'more' });
  const shallow = join(real.dir, 'remotes/shallow');
  await real.git(real.dir, 'clone', '--quiet', '--bare', '--depth=1', `file://${repository}`, shallow);
  await real.git(
    shallow,
    'fetch',
    '--quiet',
    '--depth=1',
    `file://${repository}`,
    'refs/pull/7/head:refs/pull/7/head',
  );

  const placed = await real.checkout.checkOut(
    source(shallow),
    { sha: head, ref: ref('refs/pull/7/head'), isTrusted: false },
    evaluationId(1),
    never,
  );

  expect(await readFile(join(placed.worktreeDir, 'b'), 'utf8')).toBe('head');
});
