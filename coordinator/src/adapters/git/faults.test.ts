import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { sendSignal } from '@argunix/shared/kit/descendants';
import { silentLogger } from '@argunix/shared/kit/logger';
import { startProcess } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGitServer } from '../../../test/git-server.ts';
import {
  evaluationId,
  makeRealGit,
  never,
  type RealGit,
  ref,
  source,
  troubleOf,
} from '../../../test/real-git.ts';

let real: RealGit;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  real = await makeRealGit();
});
afterEach(async () => {
  await Promise.all(closers.splice(0).map(async (close) => await close()));
  await real.remove();
});

const main = ref('main');

test('many checkouts of one repository at a time each get their own revision', async () => {
  const repository = await real.init('sample');
  const revisions = [];
  for (const content of ['1', '2', '3', '4', '5', '6']) {
    revisions.push(await real.commit(repository, { a: content }));
  }

  const placed = await Promise.all(
    [...revisions, ...revisions].map(
      async (sha, index) =>
        await real.checkout.checkOut(
          source(repository),
          { sha, ref: main, isTrusted: true },
          evaluationId(index),
          never,
        ),
    ),
  );

  const contents = await Promise.all(
    placed.map(async ({ worktreeDir }) => await readFile(join(worktreeDir, 'a'), 'utf8')),
  );
  expect(contents).toEqual(['1', '2', '3', '4', '5', '6', '1', '2', '3', '4', '5', '6']);
});

test('locks and half packs of a killed git are cleared before the next fetch', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '1' });
  const { mirrorDir } = await real.checkout.checkOut(
    source(repository),
    { sha: first, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );
  const second = await real.commit(repository, { a: '2' });
  const leftovers = [
    'packed-refs.lock',
    'shallow.lock',
    'config.lock',
    'HEAD.lock',
    `refs/heads/at-${second}.lock`,
    'objects/pack/tmp_pack_Xy12Ab',
  ];
  for (const name of leftovers) {
    await writeFile(join(mirrorDir, name), '');
  }
  // Of the worktree that was being filled for the same evaluation.
  await mkdir(join(real.state.worktreesDir, '2/.git'), { recursive: true });
  await writeFile(join(real.state.worktreesDir, '2/.git/index.lock'), '');

  const again = real.createCheckout();
  const { worktreeDir } = await again.checkOut(
    source(repository),
    { sha: second, ref: main, isTrusted: true },
    evaluationId(2),
    never,
  );

  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('2');
  expect(leftovers.filter((name) => existsSync(join(mirrorDir, name)))).toEqual([]);
});

test.each([1, 2_000_000, 7_900_000])(
  'a fetch that is killed after %d bytes leaves nothing that the next one trips over',
  async (bytes) => {
    const repository = await real.init('sample');
    // Random, so that it does not shrink.
    await real.git(repository, '-c', 'alias.x=!head -c 8000000 /dev/urandom >big', 'x');
    const sha = await real.commit(repository, {});
    const mirrorDir = join(real.state.mirrorsDir, '1.git');
    const packDir = join(mirrorDir, 'objects/pack');
    await mkdir(real.state.mirrorsDir, { recursive: true });
    await real.git(real.dir, 'init', '--quiet', '--bare', mirrorDir);
    const fetch = startProcess({
      command: 'git',
      args: [
        '-c',
        'fetch.unpackLimit=1',
        `--git-dir=${mirrorDir}`,
        'fetch',
        '--quiet',
        repository,
        `+${sha}:refs/heads/at-${sha}`,
      ],
      env: { PATH: process.env['PATH'], HOME: real.dir },
      deadlineMs: 30_000,
    });
    fetch.stderr.resume();
    fetch.stdout.resume();
    await expect
      .poll(() => largestIn(packDir), { interval: 1, timeout: 20_000 })
      .toBeGreaterThanOrEqual(bytes);
    // On a busy host it may be done by now.
    sendSignal(-(fetch.pid ?? Number.NaN), 'SIGKILL');
    await fetch.ended;

    const { worktreeDir } = await real.checkout.checkOut(
      source(repository),
      { sha, ref: main, isTrusted: true },
      evaluationId(1),
      never,
    );

    expect(statSync(join(worktreeDir, 'big')).size).toBe(8_000_000);
    expect((await readdir(packDir)).filter((name) => name.startsWith('tmp'))).toEqual([]);
  },
);

function largestIn(dir: string): number {
  try {
    return Math.max(0, ...readdirSync(dir).map((name) => statSync(join(dir, name)).size));
  } catch {
    // A temporary file went away between the listing and the look at it.
    return 0;
  }
}

test('a sweep removes what no living evaluation owns', async () => {
  const repository = await real.init('sample');
  const sha = await real.commit(repository, { a: '1' });
  for (const id of [1, 2, 3]) {
    await real.checkout.checkOut(
      source(repository),
      { sha, ref: main, isTrusted: true },
      evaluationId(id),
      never,
    );
  }

  const again = real.createCheckout();
  await again.sweep(new Set([evaluationId(2)]));

  expect(await readdir(real.state.worktreesDir)).toEqual(['2']);
});

test('a sweep of directories that do not exist yet is nothing', async () => {
  await expect(real.checkout.sweep(new Set())).resolves.toBeUndefined();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => await new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

test('a server that never answers is left at the deadline, and at once when cancelled', async () => {
  const sockets = new Set<{ destroy(): void }>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const url = `http://127.0.0.1:${await listen(silent)}/x`;
  closers.push(async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    await Promise.resolve();
  });
  const cancel = new AbortController();
  const hasty = real.createCheckout({ stepTimeoutMs: 300 });

  const timedOut = troubleOf(hasty.look(source(url), never));
  const cancelled = troubleOf(
    real.checkout.checkOut(
      source(url),
      { sha: await real.commit(await real.init('x'), {}), ref: main, isTrusted: true },
      evaluationId(1),
      cancel.signal,
    ),
  );
  cancel.abort(new Error('we changed our mind'));

  expect(await timedOut).toMatch(
    /^git\.unreachable: http:\/\/127.*: git ls-remote was not done after 0\.3 s/,
  );
  expect(await cancelled).toBe('Error: we changed our mind');
  expect(existsSync(join(real.state.worktreesDir, '1'))).toBe(false);
});

test.each([
  ['not HTTP', 'rubbish\u001b[31m\r\n\r\n'],
  ['HTTP that is not git', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'],
  [
    'git that stops in the middle',
    'HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nConnection: close\r\n\r\n001e# service=git-upload-pack\n0000ffff',
  ],
])('a server that says %s is unreachable, in one clean line', async (_, answer) => {
  const rubbish = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  const port = await listen(rubbish);

  const trouble = await troubleOf(real.checkout.look(source(`http://127.0.0.1:${port}/x`), never));

  expect(trouble).toMatch(
    /^git\.unreachable: http:\/\/127\.0\.0\.1:\d+\/x: (?:.*Git said: |expected a git server)/,
  );
  expect(trouble).toMatch(/^[\u0020-\u007e…]{1,700}$/);
});

test('nobody at the port, no such host, no such transport: each has its sentence', async () => {
  const closed = createServer();
  const port = await listen(closed);
  await closers.pop()?.();

  expect(await troubleOf(real.checkout.look(source(`http://127.0.0.1:${port}/x`), never))).toMatch(
    /nothing answers there/,
  );
  expect(await troubleOf(real.checkout.look(source('https://no-such-host.invalid/x'), never))).toMatch(
    /its host name is not known/,
  );
  expect(await troubleOf(real.checkout.look(source('ext::sh -c id'), never))).toMatch(/^git\.refused: /);
  expect(await troubleOf(real.checkout.look(source('--upload-pack=id'), never))).toMatch(/^git\.refused: /);
  expect(await troubleOf(real.createCheckout({ gitBin: '/none/git' }).look(source('/x'), never))).toMatch(
    /^git\.failed: .*could not be started \(\/none\/git: no such program/,
  );
});

test('a redirect to a file of this host is not followed', async () => {
  const repository = await real.init('sample');
  await real.commit(repository, { a: '1' });
  const server = await startGitServer({
    root: real.dir,
    intercept: (_, response) => {
      response.writeHead(302, { location: `file://${repository}/.git/info/refs` }).end();
      return true;
    },
  });
  closers.push(async () => await server.close());

  expect(await troubleOf(real.checkout.look(source(`${server.url}/x`), never))).toMatch(
    /^git\.unreachable: /,
  );
});

test('a plain web server without git serves a repository too', async () => {
  const repository = await real.init('sample');
  await real.commit(repository, { a: '1' });
  const sha = await real.commit(repository, { a: '2' });
  await real.git(repository, 'update-server-info');
  const server = await startGitServer({
    root: real.dir,
    intercept: (request, response) => {
      readFile(join(repository, '.git', (request.url ?? '').replace(/\?.*/, '').replace('/sample', ''))).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
      return true;
    },
  });
  closers.push(async () => await server.close());

  const { heads } = await real.checkout.look(source(`${server.url}/sample`), never);
  const { worktreeDir } = await real.checkout.checkOut(
    source(`${server.url}/sample`),
    { sha, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );

  expect(heads).toEqual([{ ref: main, sha }]);
  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('2');
});

test('the packs of many pushes are put together', async () => {
  const repository = await real.init('sample');
  const first = await real.commit(repository, { a: '0' });
  const { mirrorDir } = await real.checkout.checkOut(
    source(repository),
    { sha: first, ref: main, isTrusted: true },
    evaluationId(0),
    never,
  );
  for (let index = 1; index <= 45; index += 1) {
    const sha = await real.commit(repository, { a: String(index) });
    await real.checkout.checkOut(
      source(repository),
      { sha, ref: main, isTrusted: true },
      evaluationId(index),
      never,
    );
  }

  const packs = (await readdir(join(mirrorDir, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
  expect(packs.length).toBeLessThan(10);
  expect(await real.git(mirrorDir, 'fsck', '--connectivity-only')).toBe('');
  const { worktreeDir } = await real.checkout.checkOut(
    source(repository),
    { sha: first, ref: main, isTrusted: true },
    evaluationId(99),
    never,
  );
  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('0');
});

test('nothing is inherited: an environment that would lead git astray does not', async () => {
  const repository = await real.init('sample');
  const sha = await real.commit(repository, { a: '1' });
  const astray = real.createCheckout({
    log: silentLogger,
    environment: {
      PATH: process.env['PATH'],
      GIT_DIR: '/nonexistent',
      GIT_SSH_COMMAND: 'false',
      GIT_CONFIG_PARAMETERS: "'core.hooksPath=/'",
      GIT_EXEC_PATH: '/nonexistent',
      HOME: '/nonexistent',
    },
  });

  const { worktreeDir } = await astray.checkOut(
    source(repository),
    { sha, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );

  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('1');
});
