import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '@argunix/shared/kit/run-process';
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
import { ownAccess } from './access.ts';
import { makeGitHome } from './git-home.ts';
import { parseRepositoryUrl } from './repository-url.ts';

const TOKEN = 'tok-3f9a"$x\\y&z';
const main = ref('main');
let real: RealGit;
let servers: GitServer[];
beforeEach(async () => {
  servers = [];
  real = await makeRealGit({
    credentialOf: async (credential) => ({
      username: 'argunix',
      password: new Secret(credential.kind === 'file' ? await readFile(credential.path, 'utf8') : ''),
    }),
  });
  await writeFile(join(real.dir, 'token'), `${TOKEN}\n`);
});
afterEach(async () => {
  await Promise.all(servers.map(async (server) => await server.close()));
  await real.remove();
});

async function serve(options: Partial<GitSiteOptions> = {}): Promise<GitServer> {
  const server = await startGitServer({ root: join(real.dir, 'remotes'), ...options });
  servers.push(server);
  return server;
}

function withToken(url: string): Source {
  return source(url, { credential: { kind: 'file', path: join(real.dir, 'token') } });
}

test('a private repository is looked at and checked out, and the token shows nowhere', async () => {
  const repository = await real.init('owner/sample.git');
  const sha = await real.commit(repository, { a: '1' });
  const seen = new Set<string>();
  const server = await serve({
    accounts: [{ password: TOKEN }],
    intercept: () => {
      for (const line of commandLines()) {
        seen.add(line);
      }
      return false;
    },
  });
  const from = withToken(`${server.url}/owner/sample.git`);

  const { heads } = await real.checkout.look(from, never);
  const { mirrorDir, worktreeDir } = await real.checkout.checkOut(
    from,
    { sha, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );

  expect(heads).toEqual([{ ref: main, sha }]);
  expect([...seen].filter((line) => line.includes('git-remote-http'))).not.toEqual([]);
  expect([...seen].filter((line) => line.includes('tok-3f9a'))).toEqual([]);
  expect(await filesWith('tok-3f9a', join(real.dir, 'state'))).toBe('');
  expect(await readFile(join(mirrorDir, 'config'), 'utf8')).not.toContain(server.url);
  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('1');
});

test('without a token, and with a wrong one, the sentence says what to look at', async () => {
  const repository = await real.init('owner/sample.git');
  await real.commit(repository, { a: '1' });
  const server = await serve({ accounts: [{ password: 'another' }] });
  const url = `${server.url}/owner/sample.git`;

  for (const from of [source(url), withToken(url)]) {
    const trouble = await troubleOf(real.checkout.look(from, never));

    expect(trouble).toMatch(/^git\.unreachable: .*sample\.git: it asks for other credentials \(token_path/);
    expect(trouble).not.toContain('tok-3f9a');
  }
});

test('a redirect to another host gets no token', async () => {
  const repository = await real.init('owner/sample.git');
  await real.commit(repository, { a: '1' });
  const thief = await serve({ accounts: [{ password: TOKEN }] });
  const server = await serve({
    accounts: [{ password: TOKEN }],
    intercept: (request, response) => {
      response.writeHead(301, { location: `${thief.url}${request.url ?? ''}` }).end();
      return true;
    },
  });

  await expect(real.checkout.look(withToken(`${server.url}/owner/sample.git`), never)).rejects.toMatchObject({
    code: 'git.unreachable',
  });
  expect(thief.asked.length).toBeGreaterThan(0);
  expect(thief.asked.filter((one) => one.authorization !== undefined)).toEqual([]);
});

test('a submodule on the same host gets no token', async () => {
  const inner = await real.init('owner/inner.git');
  const innerSha = await real.commit(inner, { b: '1' });
  const repository = await real.init('owner/sample.git');
  await real.git(repository, 'update-index', '--add', '--cacheinfo', `160000,${innerSha},sub`);
  const sha = await real.commitIndex(repository, {
    '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ../inner.git\n',
  });
  const server = await serve({ accounts: [{ password: TOKEN }] });

  const from = withToken(`${server.url}/owner/sample.git`);
  const trouble = await troubleOf(
    real.checkout.checkOut(from, { sha, ref: main, isTrusted: true }, evaluationId(1), never),
  );

  expect(trouble).toMatch(/^git\.unreachable: .*inner\.git: it asks/);
  expect(server.asked.filter((one) => one.path.includes('inner') && one.authorization !== undefined)).toEqual(
    [],
  );
});

test('large files come from the store of the repository with its token, which no other host gets', async () => {
  const content = 'large content';
  const oid = createHash('sha256').update(content).digest('hex');
  const repository = await real.init('owner/sample.git');
  const sha = await real.commit(repository, {
    '.gitattributes': '*.bin filter=lfs\n',
    'one.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`,
  });
  const files = await serve({
    intercept: (_, response) => {
      response.end(content);
      return true;
    },
  });
  const server = await serve({
    accounts: [{ password: TOKEN }],
    intercept: (request, response) => {
      if (request.url !== '/owner/sample.git/info/lfs/objects/batch') {
        return false;
      }
      response.setHeader('content-type', 'application/vnd.git-lfs+json').end(
        JSON.stringify({
          transfer: 'basic',
          objects: [
            { oid, size: content.length, actions: { download: { href: `${files.url}/elsewhere/${oid}` } } },
          ],
        }),
      );
      return true;
    },
  });

  const placed = await real.checkout.checkOut(
    withToken(`${server.url}/owner/sample.git`),
    { sha, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );

  expect(await readFile(join(placed.worktreeDir, 'one.bin'), 'utf8')).toBe(content);
  expect(files.asked).toMatchObject([{ path: `/elsewhere/${oid}`, authorization: undefined }]);
  expect(await filesWith('tok-3f9a', join(real.dir, 'state'))).toBe('');
});

test('a token of two lines is said by the path of its file', async () => {
  await writeFile(join(real.dir, 'token'), 'one\ntwo');

  expect(await troubleOf(real.checkout.look(withToken('http://127.0.0.1:1/x'), never))).toMatch(
    /^secret\.unreadable: .*token: expected a token of one line/,
  );
});

function commandLines(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      // It ended since it was listed.
      return [];
    }
  });
}

test.each([
  ['the repository', 'https', 'example.org', 'owner/sample.git', true],
  ['the repository without .git', 'https', 'example.org', 'owner/sample', true],
  ['its large files', 'https', 'example.org', 'owner/sample.git/info/lfs', true],
  ['another protocol', 'http', 'example.org', 'owner/sample.git', false],
  ['another port', 'https', 'example.org:8443', 'owner/sample.git', false],
  ['a host that begins like it', 'https', 'example.org.evil.example', 'owner/sample.git', false],
  ['a neighbour', 'https', 'example.org', 'owner/other.git', false],
  ['a neighbour that begins like it', 'https', 'example.org', 'owner/sample2.git', false],
  ['a way out of it', 'https', 'example.org', 'owner/sample.git/../other.git', false],
  ['a way out of it in code', 'https', 'example.org', 'owner/sample.git/%2e%2e/other.git', false],
  ['the host alone', 'https', 'example.org', '', false],
])('the helper, asked for %s, answers as it should', async (_, protocol, host, path, isAnswered) => {
  const { dir } = await makeGitHome(join(real.dir, "it's home"));
  const verdict = parseRepositoryUrl('https://example.org/owner/sample.git');
  const access =
    verdict.kind === 'url'
      ? await ownAccess(
          verdict.url,
          { kind: 'file', path: '/token' },
          {
            credentialOf: async () =>
              await Promise.resolve({ username: 'somebody', password: new Secret(TOKEN) }),
            ...{ sshAgent: undefined, knownHostsPath: '/known_hosts' },
          },
          never,
        )
      : undefined;

  const { stdout } = await runProcess({
    command: '/bin/sh',
    args: [join(dir, 'credential-helper'), 'get'],
    env: { ...access?.env },
    input: `protocol=${protocol}\nhost=${host}\npath=${path}\n\n`,
    deadlineMs: 10_000,
  });

  expect(stdout).toBe(isAnswered ? `username=somebody\npassword=${TOKEN}\n` : '');
});

async function filesWith(text: string, dir: string): Promise<string> {
  const { stdout } = await runProcess({
    command: 'grep',
    args: ['-r', '-l', '-F', '-e', text, dir],
    env: { PATH: process.env['PATH'] },
    deadlineMs: 30_000,
  });
  return stdout;
}
