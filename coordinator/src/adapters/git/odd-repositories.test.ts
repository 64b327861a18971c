import { existsSync } from 'node:fs';
import { lstat, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
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
import type { GitCheckout } from './checkout.ts';

let real: RealGit;
beforeEach(async () => {
  real = await makeRealGit();
});
afterEach(async () => {
  await real.remove();
});

type Placed = Awaited<ReturnType<GitCheckout['checkOut']>>;
const main = ref('main');

async function checkOut(url: string, revision: Sha, branch = main, id = 1): Promise<Placed> {
  return await real.checkout.checkOut(
    source(url),
    { sha: revision, ref: branch, isTrusted: true },
    evaluationId(id),
    never,
  );
}

test.each([
  'fünf/日本語',
  `quote"and'quote`,
  'dollar$(touch-x)`id`',
  'semi;amp&pipe|less<more>',
  'feature/-begins-with-a-dash',
  '-begins-with-a-dash',
  '🚀/✨',
  'refs/heads/main',
  '@',
  'a'.repeat(200),
  'ü'.repeat(120),
  'percent%20%n',
  'with,comma=and!bang#hash',
])('a branch named %j is found and checked out', async (name) => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  await real.git(repository, 'update-ref', `refs/heads/${name}`, first);

  const { heads } = await real.checkout.look(source(repository), never);
  const branch = heads.find((head) => head.ref === `refs/heads/${name}`);
  const placed = await checkOut(repository, branch?.sha ?? sha('0'.repeat(40)), branch?.ref);

  expect(await readFile(join(placed.worktreeDir, 'a'), 'utf8')).toBe('1');
});

test('a branch that is named like the folder of an earlier one does not stand in the way', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  await real.git(repository, 'branch', 'x');
  await checkOut(repository, first, ref('x'), 1);
  await real.git(repository, 'branch', '--delete', 'x');
  await real.git(repository, 'branch', 'x/y');
  const second = await real.commit(repository, { a: '2' });

  const placed = await checkOut(repository, second, ref('x/y'), 2);

  expect(await readFile(join(placed.worktreeDir, 'a'), 'utf8')).toBe('2');
});

test('a branch whose name is no text is left out, the others are found', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  await writeFile(
    join(repository, '.git/packed-refs'),
    Buffer.concat([Buffer.from(`${first} refs/heads/bad-`), Buffer.from([0xff, 0xfe]), Buffer.from('\n')]),
  );

  const { heads } = await real.checkout.look(source(repository), never);

  expect(heads).toEqual([{ ref: 'refs/heads/main', sha: first }]);
});

test('odd file names arrive as they are, and a link out of the tree stays a link', async () => {
  const repository = await real.init('sample');
  const files = {
    'new\nline': '1',
    'quote"\'$`': '2',
    '.hidden': '3',
    '-dash': '4',
    Case: '5',
    case: '6',
    'back\\slash': '7',
    'ü/日本語/🚀': '8',
    'tab\tescape\u001b[31m': '9',
  };
  const revision = await real.commit(repository, {
    ...files,
    outside: { link: '/etc/passwd' },
    up: { link: '../../../..' },
  });

  const { worktreeDir } = await checkOut(repository, revision);

  for (const [name, content] of Object.entries(files)) {
    expect(await readFile(join(worktreeDir, name), 'utf8')).toBe(content);
  }
  expect(await readlink(join(worktreeDir, 'outside'))).toBe('/etc/passwd');
  await real.checkout.remove(evaluationId(1));
  expect(existsSync('/etc/passwd')).toBe(true);
});

test('a tree that wants to write into .git is refused with the path, and its worktree is gone', async () => {
  const repository = await real.init('sample');
  await real.commit(repository, { a: '1' });
  const blob = await real.git(repository, 'rev-parse', 'HEAD:a');
  const inner = await makeTree(repository, `100644 blob ${blob}\tconfig\n`);
  const outer = await makeTree(repository, `040000 tree ${inner}\t.git\n`);
  const evil = sha(await real.git(repository, 'commit-tree', '-m', 'evil', outer));
  await real.git(repository, 'update-ref', 'refs/heads/evil', evil);

  expect(await troubleOf(checkOut(repository, evil, ref('evil')))).toMatch(
    /^git\.refused: .*invalid path '\.git\/config'/,
  );
  expect(existsSync(join(real.state.worktreesDir, '1'))).toBe(false);
});

async function makeTree(repository: string, entries: string): Promise<string> {
  // mktree judges names itself; the object is written by hand, as an attacker's git would.
  const body = Buffer.concat(
    entries
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, mode = '', object = '', name = ''] = /^0?(\d+) \w+ ([0-9a-f]+)\t(.*)$/.exec(line) ?? [];
        return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(object, 'hex')]);
      }),
  );
  const path = join(real.dir, 'tree');
  await writeFile(path, body);
  return await real.git(repository, 'hash-object', '-t', 'tree', '--literally', '-w', path);
}

test('an empty repository has no heads and no default branch', async () => {
  const repository = await real.init('sample');

  expect(await real.checkout.look(source(repository), never)).toEqual({ heads: [], defaultBranch: null });
});

test.each(['tree', 'blob'])('a tag that names a %s is said to be no commit', async (kind) => {
  const repository = await real.init('sample');
  await real.commit(repository, { a: '1' });
  const object = await real.git(repository, 'rev-parse', kind === 'tree' ? 'HEAD^{tree}' : 'HEAD:a');
  await real.git(repository, 'tag', 'odd', object);
  await real.git(repository, 'tag', '--annotate', '--message=odd', 'odder', object);

  const { heads } = await real.checkout.look(source(repository), never);

  expect(heads.filter((head) => head.sha === object)).toHaveLength(2);
  expect(await troubleOf(checkOut(repository, sha(object), ref('refs/tags/odd')))).toMatch(
    /^git\.refused: .*no commit/,
  );
});

test('a SHA-256 repository is looked at and checked out, also where a SHA-1 one was before', async () => {
  const old = await real.init('old');
  await checkOut(old, await real.commit(old, { a: '1' }));
  const repository = await real.init('new', '--object-format=sha256');
  const revision = await real.commit(repository, { a: '2' });

  const { heads } = await real.checkout.look(source(repository), never);
  const placed = await checkOut(repository, revision);

  expect(heads).toEqual([{ ref: 'refs/heads/main', sha: revision }]);
  expect(revision).toHaveLength(64);
  expect(await readFile(join(placed.worktreeDir, 'a'), 'utf8')).toBe('2');
});

test('a revision of a shallow repository is checked out', async () => {
  const deep = await real.init('deep');
  await real.commit(deep, { a: '1' });
  await real.commit(deep, { a: '2' });
  const revision = await real.commit(deep, { a: '3' });
  const shallow = join(real.dir, 'remotes/shallow');
  await real.git(real.dir, 'clone', '--quiet', '--depth=1', `file://${deep}`, shallow);

  const { worktreeDir } = await checkOut(shallow, revision);

  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('3');
});

test('a repository that vanished is unreachable, with a sentence that names it', async () => {
  const repository = await real.init('sample');
  const revision = await real.commit(repository, { a: '1' });
  await checkOut(repository, revision);
  const next = await real.commit(repository, { a: '2' });
  await rm(repository, { recursive: true });

  const expected = /^git\.unreachable: .*remotes\/sample: there is no repository/;
  expect(await troubleOf(real.checkout.look(source(repository), never))).toMatch(expected);
  expect(await troubleOf(checkOut(repository, next, main, 2))).toMatch(expected);
});

test('a revision that was forced away and collected is missing, and the next push is built', async () => {
  const repository = await real.init('sample');
  await real.commit(repository, { a: '1' });
  const lost = await real.commit(repository, { a: '2' });
  await real.git(repository, 'reset', '--quiet', '--hard', 'HEAD~1');
  await real.git(repository, 'reflog', 'expire', '--expire=now', '--all');
  await real.git(repository, 'gc', '--quiet', '--prune=now');

  expect(await troubleOf(checkOut(repository, lost))).toMatch(
    /^git\.missing-revision: .*force-pushed away\? The next push is built/,
  );
  const next = await real.commit(repository, { a: '3' });
  const placed = await checkOut(repository, next);
  expect(await readFile(join(placed.worktreeDir, 'a'), 'utf8')).toBe('3');
});

test('a server that gives out no bare revisions is asked for the ref, then for everything', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  const second = await real.commit(repository, { a: '2' });
  await real.git(repository, 'branch', 'other');
  await real.git(repository, 'checkout', '--quiet', '--orphan', 'fresh');
  const third = await real.commit(repository, { a: '3' });
  // The old protocol, in which a server names its tips and gives out nothing else.
  const old = real.createCheckout({ gitBin: await oldGit() });

  const byRef = await old.checkOut(
    source(repository),
    { sha: first, ref: ref('other'), isTrusted: true },
    evaluationId(1),
    never,
  );
  const byAll = await real
    .createCheckout({ gitBin: await oldGit(), mirrorsDir: join(real.dir, 'state/others') })
    .checkOut(source(repository), { sha: first, ref: ref('gone'), isTrusted: true }, evaluationId(2), never);

  expect(await readFile(join(byRef.worktreeDir, 'a'), 'utf8')).toBe('1');
  expect(await readFile(join(byAll.worktreeDir, 'a'), 'utf8')).toBe('1');
  expect(new Set([first, second, third]).size).toBe(3);
  await real.git(repository, 'branch', '--delete', '--force', 'main', 'other');
  await expect(
    old.checkOut(
      source(repository),
      { sha: sha('1'.repeat(40)), ref: main, isTrusted: true },
      evaluationId(3),
      never,
    ),
  ).rejects.toMatchObject({ code: 'git.missing-revision' });
});

async function oldGit(): Promise<string> {
  const path = join(real.dir, 'old-git');
  await writeFile(path, '#!/bin/sh\nexec git -c protocol.version=0 "$@"\n', { mode: 0o755 });
  return path;
}

test('a mirror that git cannot read is made anew', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1', b: 'b'.repeat(9_999) });
  const { mirrorDir, worktreeDir } = await checkOut(repository, first);
  await real.checkout.remove(evaluationId(1));
  expect(existsSync(worktreeDir)).toBe(false);

  await writeFile(join(mirrorDir, 'HEAD'), 'rubbish');
  await checkOut(repository, first, main, 2);
  await rm(join(mirrorDir, 'objects/pack'), { recursive: true });
  await checkOut(repository, first, main, 3);
  await writeFile(join(mirrorDir, 'config'), '[[[');
  const placed = await checkOut(repository, first, main, 4);

  expect(await readFile(join(placed.worktreeDir, 'a'), 'utf8')).toBe('1');
  expect(await real.git(mirrorDir, 'fsck')).toBe('');
});

test('a mirror that many find broken at a time is made anew once for all of them', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  const { mirrorDir } = await checkOut(repository, first);
  await rm(join(mirrorDir, 'objects'), { recursive: true });

  const placed = await Promise.all(
    [2, 3, 4, 5].map(async (id) => await checkOut(repository, first, main, id)),
  );

  for (const { worktreeDir } of placed) {
    expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('1');
  }
});

test('a blob that is missing from the mirror is noticed and fetched again', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1', b: 'content' });
  const { mirrorDir } = await checkOut(repository, first);
  const blob = await real.git(repository, 'rev-parse', 'HEAD:b');
  // Of a mirror with loose objects, one by one, a single one goes.
  const pack = join(real.dir, 'pack');
  await rename(join(mirrorDir, 'objects/pack'), pack);
  const name = (await readdir(pack)).find((one) => one.endsWith('.pack')) ?? '';
  await real.git(
    mirrorDir,
    '-c',
    'alias.unpack=!git unpack-objects -q <"$1"; true',
    'unpack',
    join(pack, name),
  );
  await rm(join(mirrorDir, 'objects', blob.slice(0, 2), blob.slice(2)));

  const placed = await checkOut(repository, first, main, 2);

  expect(await readFile(join(placed.worktreeDir, 'b'), 'utf8')).toBe('content');
});

test('files are readable by others under a strict umask', async () => {
  const repository = await real.init('sample');
  const revision = await real.commit(repository, { 'dir/a': '1', link: { link: '/etc/shadow' } });
  const before = (await lstat('/etc/shadow')).mode;
  const old = process.umask(0o077);
  try {
    const { worktreeDir, mirrorDir } = await checkOut(repository, revision);

    for (const path of ['', 'dir', 'dir/a', '.git', '.git/HEAD', '.git/index', '.git/commondir']) {
      expect((await lstat(join(worktreeDir, path))).mode & 0o004).toBe(0o004);
    }
    for (const path of [
      '',
      'HEAD',
      'config',
      'objects',
      'objects/pack',
      'refs/heads',
      `refs/heads/at-${revision}`,
    ]) {
      expect((await lstat(join(mirrorDir, path))).mode & 0o004).toBe(0o004);
    }
    expect((await lstat('/etc/shadow')).mode).toBe(before);
  } finally {
    process.umask(old);
  }
});
