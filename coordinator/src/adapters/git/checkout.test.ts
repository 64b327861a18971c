import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { evaluationId, makeRealGit, never, type RealGit, ref, source } from '../../../test/real-git.ts';

let real: RealGit;
beforeEach(async () => {
  real = await makeRealGit();
});
afterEach(async () => {
  await real.remove();
});

const main = ref('main');

test('a look finds branches, tags at their commits, and the default branch', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  await real.git(repository, 'tag', '--annotate', '--message=v1', 'v1');
  const second = await real.commit(repository, { a: '2' });

  const remote = await real.checkout.look(source(repository), never);

  expect(remote.defaultBranch).toBe('refs/heads/main');
  expect(remote.heads).toEqual([
    { ref: 'refs/heads/main', sha: second },
    { ref: 'refs/tags/v1', sha: first },
  ]);
});

test('a checkout is exactly the revision, also an old one, and git takes it for a clean worktree', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1', gone: 'x' });
  await real.git(repository, 'rm', '--quiet', 'gone');
  const second = await real.commit(repository, { a: '2' });

  const newer = await real.checkout.checkOut(
    source(repository),
    { sha: second, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );
  const older = await real.checkout.checkOut(
    source(repository),
    { sha: first, ref: main, isTrusted: true },
    evaluationId(2),
    never,
  );

  expect(newer).toMatchObject({ kind: 'checkout', sha: second, hasSubmodules: false, hasLargeFiles: false });
  expect(await readdir(newer.worktreeDir)).toEqual(['.git', 'a']);
  expect(await readFile(join(older.worktreeDir, 'a'), 'utf8')).toBe('1');
  expect(await real.git(older.worktreeDir, 'status', '--porcelain')).toBe('');
  expect(await real.git(older.worktreeDir, 'rev-parse', 'HEAD')).toBe(first);
});

test('removing ends the worktree and nothing else, and may be done twice', async () => {
  const repository = await real.init('sample');
  const sha = await real.commit(repository, { a: '1' });
  const { worktreeDir, mirrorDir } = await real.checkout.checkOut(
    source(repository),
    { sha, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );

  await real.checkout.remove(evaluationId(1));
  await real.checkout.remove(evaluationId(1));

  expect(existsSync(worktreeDir)).toBe(false);
  expect(await real.git(mirrorDir, 'cat-file', '-t', sha)).toBe('commit');
});

test('revisions with the same files have the same tree, others have not, and asking leaves no worktree', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  const second = await real.commit(repository, { a: '2' });
  const third = await real.commit(repository, { a: '1' });

  const trees = await Promise.all(
    [first, second, third].map((sha) => real.checkout.treeOf(source(repository), { sha, ref: main }, never)),
  );

  expect(trees[0]).toBe((await real.git(repository, 'rev-parse', `${first}^{tree}`)).trim());
  expect(trees[2]).toBe(trees[0]);
  expect(trees[1]).not.toBe(trees[0]);
});

test('the tree of a revision that is gone is a missing revision', async () => {
  const repository = await real.init('sample');
  await real.commit(repository, { a: '1' });
  const gone = { sha: 'a'.repeat(40) as never, ref: main };

  await expect(real.checkout.treeOf(source(repository), gone, never)).rejects.toMatchObject({
    code: 'git.missing-revision',
  });
});
