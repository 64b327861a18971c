/**
 * What a trusted revision gets with the credential of its forge, and a stranger's does not: the same revision is checked out
 * as both, from a server that writes down who asked for what.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRepositorySlug, type RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import { Secret } from '@argunix/shared/kit/secret';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GitServer, type GitSiteOptions, startGitServer } from '../../../test/git-server.ts';
import {
  evaluationId,
  makeRealGit,
  never,
  type RealGit,
  ref,
  source,
  troubleOf,
} from '../../../test/real-git.ts';
import type { Source } from '../../ports/source-checkout.ts';
import type { GitCheckout } from './checkout.ts';

type Placed = Awaited<ReturnType<GitCheckout['checkOut']>>;
// Of each repository its own, as an App's tokens are.
const tokenOf = (repository: string): string => `token-of-${repository}`;
const main = ref('main');
let real: RealGit;
let server: GitServer;
let asked: string[];
beforeEach(async () => {
  asked = [];
  real = await makeRealGit({
    async credentialOf(credential) {
      const name = credential.kind === 'forge' ? credential.slug : '';
      asked.push(name);
      return await Promise.resolve({ username: 'x-access-token', password: new Secret(tokenOf(name)) });
    },
  });
  server = await serve();
});
afterEach(async () => {
  await server.close();
  await real.remove();
});

async function serve(changes: Partial<GitSiteOptions> = {}): Promise<GitServer> {
  return await startGitServer({
    root: join(real.dir, 'remotes'),
    accounts: ['owner/sample', 'owner/private', 'owner/other'].map((name) => ({
      ...{ username: 'x-access-token', password: tokenOf(name), repositories: [name] },
    })),
    open: ['owner/public'],
    ...changes,
  });
}

function slug(text: string): RepositorySlug {
  const verdict = parseRepositorySlug(text);
  if (verdict.kind === 'refused') {
    throw new Error(verdict.reason);
  }
  return verdict.slug;
}

function sampleSource(
  fetchable: readonly string[] = ['owner/private'],
  changes: Partial<Source> = {},
): Source {
  return source(`${server.url}/owner/sample.git`, {
    credential: { kind: 'forge', forge: 'work', slug: slug('owner/sample') },
    fetchable: fetchable.map((name) => ({ slug: slug(name), url: `${server.url}/${name}` })),
    ...changes,
  });
}

async function checkOut(from: Source, revision: Sha, isTrusted: boolean, id = 1): Promise<Placed> {
  return await real.checkout.checkOut(from, { sha: revision, ref: main, isTrusted }, evaluationId(id), never);
}

/** A revision of owner/sample with a submodule at this URL. */
async function withSubmodule(url: string, revision: Sha, name = 'sample'): Promise<Sha> {
  const repository = await real.init(`owner/${name}.git`);
  await real.git(repository, 'update-index', '--add', '--cacheinfo', `160000,${revision},sub`);
  return await real.commitIndex(repository, {
    '.gitmodules': `[submodule "sub"]\n\tpath = sub\n\turl = ${url}\n`,
  });
}

async function privateRepository(name = 'private'): Promise<Sha> {
  return await real.commit(await real.init(`owner/${name}.git`), { secret: name });
}

test.each([
  '../private.git',
  '../../owner/private',
  'ssh://git@127.0.0.1/owner/private',
  'git@127.0.0.1:owner/private.git',
])('a submodule by %j is fetched with the credential for a trusted revision', async (url) => {
  const revision = await withSubmodule(url, await privateRepository());

  const { worktreeDir, mirrorDir } = await checkOut(sampleSource(), revision, true);

  expect(await readFile(join(worktreeDir, 'sub/secret'), 'utf8')).toBe('private');
  expect(server.repositoriesSent(tokenOf('owner/private'))).toEqual(['owner/private']);
  expect(server.repositoriesSent(tokenOf('owner/sample'))).toEqual(['owner/sample']);
  // The mirror is seen by evaluations of strangers.
  expect(existsSync(join(mirrorDir, 'modules'))).toBe(false);
});

test('a stranger’s revision does not get the same submodule, also after a trusted one had it', async () => {
  const revision = await withSubmodule('../private.git', await privateRepository());
  await checkOut(sampleSource(), revision, true, 1);
  const before = server.asked.length;

  const trouble = await troubleOf(checkOut(sampleSource(), revision, false, 2));

  expect(trouble).toMatch(
    /^git\.unreachable: submodule "sub": .*private\.git: it asks for other credentials/,
  );
  expect(
    server.asked
      .slice(before)
      .filter(({ repository, sent }) => repository === 'owner/private' && sent !== undefined),
  ).toEqual([]);
  expect(existsSync(join(real.state.worktreesDir, '2'))).toBe(false);
});

test('a submodule that is not listed gets no credential, though it begins like one that is', async () => {
  const revision = await withSubmodule('../private-too.git', await privateRepository('private-too'));

  const trouble = await troubleOf(checkOut(sampleSource(), revision, true));

  expect(trouble).toMatch(/private-too\.git: it asks for other credentials/);
  expect(server.asked.filter(({ repository, sent }) => repository === 'owner/private-too' && sent)).toEqual(
    [],
  );
});

test('a nested submodule is told by its own URL: what is listed gets the credential, what is not does not', async () => {
  const inner = await privateRepository();
  const middle = await withSubmodule('../private.git', inner, 'public');
  const revision = await withSubmodule('../public.git', middle);

  const { worktreeDir } = await checkOut(sampleSource(), revision, true);

  expect(await readFile(join(worktreeDir, 'sub/sub/secret'), 'utf8')).toBe('private');
  expect(server.asked.filter(({ repository, sent }) => repository === 'owner/public' && sent)).toEqual([]);
});

test('who has another credential is not let in by what was fetched with the first', async () => {
  const revision = await withSubmodule('../private.git', await privateRepository());
  await checkOut(sampleSource(), revision, true, 1);
  const wrong: Source = sampleSource(['owner/private'], {
    credential: { kind: 'file', path: '/wrong' },
    url: join(real.dir, 'remotes/owner/sample.git'),
  });

  const trouble = await troubleOf(
    checkOut({ ...wrong, url: `file://${wrong.url}` }, await onDisk(revision), true, 2),
  );

  expect(trouble).toMatch(/private.*it asks for other credentials/);
});

/** The same, with a submodule that a repository on this disk may name. */
async function onDisk(revision: Sha): Promise<Sha> {
  const repository = join(real.dir, 'remotes/owner/sample.git');
  const text = `[submodule "sub"]\n\tpath = sub\n\turl = ${server.url}/owner/private.git\n`;
  expect(revision).toHaveLength(40);
  return await real.commitIndex(repository, { '.gitmodules': text });
}

test('a redirect of the listed repository to another host takes no credential there', async () => {
  const thief = await serve({ accounts: [{ password: 'nobody has it' }] });
  const revision = await withSubmodule('../private.git', await privateRepository());
  const honest = server;
  server = await serve({
    intercept: (request, response) => {
      const isPrivate = request.url?.startsWith('/owner/private') === true;
      if (isPrivate) {
        response.writeHead(302, { location: `${thief.url}${request.url ?? ''}` }).end();
      }
      return isPrivate;
    },
  });

  const trouble = await troubleOf(checkOut(sampleSource(), revision, true));
  await Promise.all([honest.close(), thief.close()]);

  expect(trouble).toMatch(/^git\.unreachable/);
  expect(thief.asked.length).toBeGreaterThan(0);
  expect(thief.asked.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
});

test('large files that .lfsconfig keeps in a listed repository come for a trusted revision only', async () => {
  const content = 'large and private';
  const oid = createHash('sha256').update(content).digest('hex');
  await server.close();
  server = await serve({
    intercept: (request, response) => {
      if (request.url === `/owner/private.git/content/${oid}`) {
        response.end(content);
        return true;
      }
      if (request.url !== '/owner/private.git/info/lfs/objects/batch') {
        return false;
      }
      const href = `${server.url}/owner/private.git/content/${oid}`;
      const objects = [{ oid, size: content.length, actions: { download: { href } } }];
      response
        .setHeader('content-type', 'application/vnd.git-lfs+json')
        .end(JSON.stringify({ transfer: 'basic', objects }));
      return true;
    },
  });
  await privateRepository();
  const revision = await real.commit(await real.init('owner/sample.git'), {
    '.gitattributes': '*.bin filter=lfs\n',
    '.lfsconfig': '[lfs]\n\turl = ssh://git@127.0.0.1/owner/private.git/info/lfs\n',
    'one.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`,
  });

  const placed = await checkOut(sampleSource(), revision, true, 1);
  const before = server.asked.length;
  const trouble = await troubleOf(checkOut(sampleSource(), revision, false, 2));

  expect(await readFile(join(placed.worktreeDir, 'one.bin'), 'utf8')).toBe(content);
  expect((await readdir(placed.mirrorDir, { recursive: true })).filter((name) => name.endsWith(oid))).toEqual(
    [],
  );
  expect(server.repositoriesSent(tokenOf('owner/sample'))).toEqual(['owner/sample']);
  expect(trouble).toMatch(/^git\.(?:unreachable|refused|failed): /);
  expect(server.asked.slice(before).filter(({ path }) => path.includes('private'))).toEqual([]);
});

test('mirrors of what is listed are there for a trusted revision, with branches, tags and HEAD of now', async () => {
  const first = await privateRepository();
  const input = join(real.dir, 'remotes/owner/private.git');
  await real.git(input, 'branch', '--move', 'main', 'trunk');
  await real.git(input, 'update-ref', 'refs/pull/7/head', first);
  await real.git(input, 'branch', 'x');
  const revision = await real.commit(await real.init('owner/sample.git'), { a: '1' });

  const [mirror] = (await checkOut(sampleSource(), revision, true, 1)).inputs;
  await real.git(input, 'branch', '--delete', '--force', 'x');
  await real.git(input, 'branch', 'x/y');
  await real.git(input, 'tag', 'v1');
  const second = await real.commit(input, { secret: 'new' });
  const [again] = (await checkOut(sampleSource(), revision, true, 2)).inputs;

  expect(again).toEqual(mirror);
  expect(mirror?.urls).toEqual(
    expect.arrayContaining([
      `${server.url}/owner/private`,
      `${server.url}/owner/private.git`,
      'ssh://git@127.0.0.1/owner/private',
      'git@127.0.0.1:owner/private.git',
    ]),
  );
  expect(await real.git(mirror?.mirrorDir ?? '', 'show-ref', '--head')).toBe(
    [`${second} HEAD`, `${second} refs/heads/trunk`, `${first} refs/heads/x/y`, `${first} refs/tags/v1`].join(
      '\n',
    ),
  );
});

test('a stranger’s revision gets no mirror, and nothing is asked for in its name', async () => {
  await privateRepository();
  const revision = await real.commit(await real.init('owner/sample.git'), { a: '1' });

  const { inputs } = await checkOut(sampleSource(), revision, false);

  expect(inputs).toEqual([]);
  expect(asked).toEqual(['owner/sample']);
  expect(server.asked.filter(({ repository }) => repository === 'owner/private')).toEqual([]);
});

test('a listed repository that cannot be read is said to be one of fetch_repos', async () => {
  const revision = await real.commit(await real.init('owner/sample.git'), { a: '1' });
  await privateRepository('unlisted');

  expect(await troubleOf(checkOut(sampleSource(['owner/unlisted']), revision, true))).toMatch(
    /^git\.unreachable: fetch_repos: .*owner\/unlisted: it asks for other credentials/,
  );
  expect(existsSync(join(real.state.worktreesDir, '1'))).toBe(false);
});

test('a listed repository without commits is a mirror without branches', async () => {
  await real.init('owner/private.git');
  const revision = await real.commit(await real.init('owner/sample.git'), { a: '1' });

  const { inputs } = await checkOut(sampleSource(), revision, true);

  expect(await real.git(inputs[0]?.mirrorDir ?? '', 'for-each-ref')).toBe('');
});
