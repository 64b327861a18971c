import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '@argunix/shared/domain/sha';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  evaluationId,
  makeRealGit,
  never,
  type RealGit,
  ref,
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

async function checkOut(url: string, sha: Sha, id = 1): Promise<Placed> {
  return await real.checkout.checkOut(
    source(url),
    { sha, ref: main, isTrusted: true },
    evaluationId(id),
    never,
  );
}

/** A revision of `repository` with one submodule. */
async function addSubmodule(repository: string, path: string, url: string, sha: Sha): Promise<Sha> {
  await real.git(repository, 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
  const modules = join(repository, '.gitmodules');
  await real.git(repository, 'config', '--file', modules, `submodule.${path}.path`, path);
  await real.git(repository, 'config', '--file', modules, `submodule.${path}.url`, url);
  return await real.commitIndex(repository, { '.gitmodules': await readFile(modules, 'utf8') });
}

test('submodules with relative URLs are there, nested ones too, each with a git of its own', async () => {
  const leaf = await real.init('group/leaf');
  const leafSha = await real.commit(leaf, { c: 'leaf' });
  const middle = await real.init('group/middle');
  await real.commit(middle, { b: 'middle' });
  const middleSha = await addSubmodule(middle, 'deep/leaf', '../leaf', leafSha);
  const top = await real.init('group/top');
  await real.commit(top, { a: 'top' });
  const sha = await addSubmodule(top, 'mid', './../middle', middleSha);

  const placed = await checkOut(top, sha);

  expect(placed).toMatchObject({ hasSubmodules: true, hasLargeFiles: false });
  expect(await readFile(join(placed.worktreeDir, 'mid/b'), 'utf8')).toBe('middle');
  expect(await readFile(join(placed.worktreeDir, 'mid/deep/leaf/c'), 'utf8')).toBe('leaf');
  for (const [dir, revision] of [
    ['', sha],
    ['mid', middleSha],
    ['mid/deep/leaf', leafSha],
  ] as const) {
    expect(await real.git(join(placed.worktreeDir, dir), 'rev-parse', 'HEAD')).toBe(revision);
    expect(await real.git(join(placed.worktreeDir, dir), 'rev-parse', '--git-common-dir')).toMatch(
      `${placed.mirrorDir}${dir === '' ? '' : '/modules/'}`,
    );
  }
});

test.each([
  ['file:///etc', /expected https:\/\/, ssh:\/\/ or a relative URL/],
  ['/etc', /expected no path of this host/],
  ['ext::sh -c "touch /tmp/owned"', /expected an absolute path/],
  ['http://127.0.0.1:1/x', /expected https/],
  ['git://127.0.0.1/x', /expected https/],
  ['--upload-pack=touch /tmp/owned', /does not begin with a dash/],
  ['https://user:password@example.org/x', /without a password, got "https:\/\/example.org\/x"/],
  ['../../../../etc', /stays in/],
  ['../../other/repository', /stays in/],
  ['..', /stays in/],
  ['', /expected a path or URL/],
])('a submodule from %j is refused before anything is fetched', async (url, sentence) => {
  const repository = await real.init('group/top');
  const first = await real.commit(repository, { a: '1' });
  const sha = await addSubmodule(repository, 'sub', url, first);

  const trouble = await troubleOf(checkOut(repository, sha));

  expect(trouble).toMatch(/^git\.refused: submodule "sub": /);
  expect(trouble).toMatch(sentence);
  expect(existsSync(join(real.state.worktreesDir, '1'))).toBe(false);
  expect(existsSync('/tmp/owned')).toBe(false);
});

test('a submodule whose path leads through a link, or out, is not filled', async () => {
  const inner = await real.init('group/inner');
  const innerSha = await real.commit(inner, { passwd: 'evil' });
  const repository = await real.init('group/top');
  await real.commit(repository, { link: { link: '/tmp' } });
  const sha = await real.commitIndex(repository, {
    '.gitmodules': `[submodule "a"]\n\tpath = link/x\n\turl = ../inner\n[submodule "b"]\n\tpath = ../x\n\turl = ../inner\n`,
  });
  expect(innerSha).toHaveLength(40);

  const trouble = await troubleOf(checkOut(repository, sha));

  expect(trouble).toMatch(/^(?:git\.|no trouble)/);
  expect(existsSync('/tmp/x/passwd')).toBe(false);
  expect(existsSync(join(real.state.worktreesDir, 'x'))).toBe(false);
});

test('a submodule with update = none is left empty, as git leaves it', async () => {
  const repository = await real.init('group/top');
  const first = await real.commit(repository, { a: '1' });
  await real.git(repository, 'update-index', '--add', '--cacheinfo', `160000,${first},sub`);
  const sha = await real.commitIndex(repository, {
    '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ../none\n\tupdate = none\n',
  });

  const { worktreeDir } = await checkOut(repository, sha);

  expect(await readdir(join(worktreeDir, 'sub'))).toEqual([]);
});

test('a .gitmodules that git cannot parse is refused with its own words', async () => {
  const repository = await real.init('group/top');
  const sha = await real.commit(repository, { '.gitmodules': '[submodule "x"\n' });

  expect(await troubleOf(checkOut(repository, sha))).toMatch(
    /^git\.refused: \.gitmodules cannot be read\. .*bad config line/,
  );
});

/** What git-lfs stores and tracks, without its filters. */
async function addLargeFile(repository: string, name: string, content: string): Promise<Sha> {
  const oid = createHash('sha256').update(content).digest('hex');
  const folder = join(repository, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, oid), content);
  return await real.commit(repository, {
    'assets/.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    [name]: `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`,
  });
}

test('large files are there in full, also when a nested .gitattributes declares them', async () => {
  const repository = await real.init('sample');
  const sha = await addLargeFile(repository, 'assets/one.bin', 'large content');

  const placed = await checkOut(repository, sha);

  expect(placed).toMatchObject({ hasSubmodules: false, hasLargeFiles: true });
  expect(await readFile(join(placed.worktreeDir, 'assets/one.bin'), 'utf8')).toBe('large content');
  expect(await real.git(placed.worktreeDir, 'show', '--no-patch', '--format=%H')).toBe(sha);
});

test('large files of a submodule are there too', async () => {
  const inner = await real.init('group/inner');
  const innerSha = await addLargeFile(inner, 'assets/one.bin', 'inner content');
  const repository = await real.init('group/top');
  await real.commit(repository, { a: '1' });
  const sha = await addSubmodule(repository, 'sub', '../inner', innerSha);

  const placed = await checkOut(repository, sha);

  expect(placed).toMatchObject({ hasSubmodules: true, hasLargeFiles: true });
  expect(await readFile(join(placed.worktreeDir, 'sub/assets/one.bin'), 'utf8')).toBe('inner content');
});

test('a large file that its store does not have is said by name', async () => {
  const repository = await real.init('sample');
  const sha = await addLargeFile(repository, 'assets/lost.bin', 'lost content');
  await real.git(repository, '-c', 'alias.x=!rm -r .git/lfs', 'x');

  expect(await troubleOf(checkOut(repository, sha))).toMatch(
    /^git\.unreachable: large files: .*never pushed/,
  );
});

test('a .lfsconfig cannot send us to files of this host', async () => {
  const victim = await real.init('victim');
  await addLargeFile(victim, 'assets/one.bin', 'secret content');
  const repository = await real.init('sample');
  await addLargeFile(repository, 'assets/one.bin', 'secret content');
  await real.git(repository, '-c', 'alias.x=!rm -r .git/lfs', 'x');
  const sha = await real.commit(repository, { '.lfsconfig': `[lfs]\n\turl = file://${victim}\n` });

  expect(await troubleOf(checkOut(repository, sha))).toMatch(
    /^git\.refused: \.lfsconfig, lfs\.url: expected https/,
  );
});

test('a host without git-lfs is told what to install', async () => {
  const repository = await real.init('sample');
  const sha = await addLargeFile(repository, 'assets/one.bin', 'large content');
  const without = real.createCheckout({ environment: { PATH: await pathWithoutLfs() } });

  const trouble = await troubleOf(
    without.checkOut(source(repository), { sha, ref: main, isTrusted: true }, evaluationId(1), never),
  );

  expect(trouble).toMatch(/^git\.failed: .*install the package git-lfs/);
});

async function pathWithoutLfs(): Promise<string> {
  const dir = join(real.dir, 'bin');
  await mkdir(dir);
  for (const name of ['git', 'git-upload-pack', 'setpriv', 'sh', 'rm']) {
    await symlink(`/usr/bin/${name}`, join(dir, name));
  }
  return dir;
}
