import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type GitHttpOptions,
  type GitHttpServer,
  startGitHttpServer,
} from '../../../test/git-http-server.ts';
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

const TOKEN = 'tok-3f9a"$x\\y&z';
const main = ref('main');
let real: RealGit;
let servers: GitHttpServer[];
beforeEach(async () => {
  servers = [];
  real = await makeRealGit({ readSecret: async (path) => await readFile(path, 'utf8') });
  await writeFile(join(real.dir, 'token'), `${TOKEN}\n`);
});
afterEach(async () => {
  await Promise.all(servers.map(async (server) => await server.close()));
  await real.remove();
});

async function serve(options: Partial<GitHttpOptions> = {}): Promise<GitHttpServer> {
  const server = await startGitHttpServer({ root: join(real.dir, 'remotes'), ...options });
  servers.push(server);
  return server;
}

function withToken(url: string): Source {
  return source(url, join(real.dir, 'token'));
}

test('a private repository is looked at and checked out, and the token shows nowhere', async () => {
  const repository = await real.init('owner/sample.git');
  const sha = await real.commit(repository, { a: '1' });
  const seen = new Set<string>();
  const server = await serve({
    password: TOKEN,
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
    { sha, ref: main },
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
  const server = await serve({ password: 'another' });
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
  const thief = await serve({ password: TOKEN });
  const server = await serve({
    password: TOKEN,
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
  const server = await serve({ password: TOKEN });

  const from = withToken(`${server.url}/owner/sample.git`);
  const trouble = await troubleOf(real.checkout.checkOut(from, { sha, ref: main }, evaluationId(1), never));

  expect(trouble).toMatch(/^git\.unreachable: .*inner\.git: it asks/);
  expect(server.asked.filter((one) => one.path.includes('inner') && one.authorization !== undefined)).toEqual(
    [],
  );
});

test('a token of two lines, or none that can be read, is said by the path of its file', async () => {
  await writeFile(join(real.dir, 'token'), 'one\ntwo');
  await expect(real.checkout.look(withToken('http://127.0.0.1:1/x'), never)).rejects.toThrow(
    /token: expected a token of one line/,
  );

  await expect(
    real.checkout.look(source('http://127.0.0.1:1/x', join(real.dir, 'none')), never),
  ).rejects.toThrow(/none: expected a readable token, got ENOENT/);
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

async function filesWith(text: string, dir: string): Promise<string> {
  const { stdout } = await runProcess({
    command: 'grep',
    args: ['-r', '-l', '-F', '-e', text, dir],
    env: { PATH: process.env['PATH'] },
    deadlineMs: 30_000,
  });
  return stdout;
}
