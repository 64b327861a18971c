/** A real Nix evaluates through the front, into a store of its own, and finds there what it would find without it. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf, type RunningProcess, startProcess } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accepts, daemonConfig } from '../own-daemon.ts';
import { createStoreFronts, type StoreFront, type StoreFronts } from './store-front.ts';

// The sandbox of Debian's Nix has no shell.
const CONFIG = 'extra-sandbox-paths = /bin/sh=/usr/bin/bash-static';
const COUNT = 300;
/** Each needs the one before it, and the last is a source. */
const CHAIN = `let
  source = builtins.path { path = SOURCE; name = "source"; };
  mk = needs: derivation {
    name = "front"; system = "x86_64-linux"; builder = "/bin/sh"; unique = UNIQUE; args = [ needs ];
  };
in map (drv: drv.drvPath) (builtins.foldl' (made: i: [ (mk (if i == 0 then source else builtins.head made)) ] ++ made) [ ]
  (builtins.genList (i: i) ${COUNT}))`;

let dir: string;
let fronts: StoreFronts;
let front: StoreFront;
let daemon: RunningProcess | undefined;
let server: Server | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'front-'));
  await chmod(dir, 0o755);
  fronts = createStoreFronts(join(dir, 'daemon'));
  front = await fronts.open(join(dir, 'front'));
});
afterEach(async () => {
  await front.close();
  await fronts.close();
  daemon?.stop();
  await daemon?.ended;
  server?.close();
  daemon = undefined;
  server = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function startDaemon(env: Readonly<Record<string, string>>): Promise<void> {
  daemon = startProcess({
    command: 'nix-daemon',
    args: ['--daemon'],
    env: {
      ...env,
      NIX_REMOTE: 'local',
      NIX_DAEMON_SOCKET_PATH: join(dir, 'daemon'),
      NIX_CONFIG: daemonConfig(env['NIX_CONFIG'], false),
    },
    deadlineMs: 60_000,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
  });
  await until(() => accepts(join(dir, 'daemon')));
}

async function evaluate(
  env: Readonly<Record<string, string>>,
  expression: string,
  extra: readonly string[] = [],
): Promise<string> {
  return await outputOf({
    command: 'nix',
    args: ['eval', '--json', '--impure', ...extra, '--expr', expression],
    env,
    cwd: dir,
    deadlineMs: 60_000,
  });
}

function throughFront(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...env, NIX_REMOTE: 'daemon', NIX_DAEMON_SOCKET_PATH: join(dir, 'front') };
}

describe.each(installedNixes(CONFIG))('$title', { timeout: 60_000 }, (nix) => {
  test.skipIf(nix.isMissing)(
    'derivations have the paths and the contents that the store gives them',
    async () => {
      await startDaemon(nix.env);
      const expression = await chain();

      const early = await evaluate(throughFront(nix.env), expression);
      await front.settled();

      const paths = JSON.parse(early) as readonly string[];
      expect(paths).toHaveLength(COUNT);
      await outputOf({
        command: 'nix-store',
        args: ['--check-validity', ...paths],
        env: nix.env,
        deadlineMs: 30_000,
      });
      expect(await readFile(paths[0] ?? '', 'utf8')).toContain(paths[1]);
      expect(await evaluate(nix.env, expression)).toBe(early);
    },
  );

  test.skipIf(nix.isMissing)('what was just answered may be built and read at once', async () => {
    await startDaemon(nix.env);

    const text = await evaluate(
      throughFront(nix.env),
      `let first = derivation { name = "first"; system = "x86_64-linux"; builder = "/bin/sh";
         args = [ "-c" "echo ${dir} > $out" ]; };
       in builtins.readFile (derivation { name = "second"; system = "x86_64-linux"; builder = "/bin/sh";
         args = [ "-c" "read x < \${first}; echo $x > $out" ]; })`,
    );

    expect(JSON.parse(text)).toBe(`${dir}\n`);
  });

  test.skipIf(nix.isMissing)('the daemon trusts nobody behind it', async () => {
    await startDaemon(nix.env);

    const built = evaluate(
      throughFront(nix.env),
      `builtins.readFile (derivation { name = "hooked"; system = "x86_64-linux"; builder = "/bin/sh";
         args = [ "-c" "echo ${dir} > $out" ]; })`,
      ['--option', 'post-build-hook', await hook()],
    );

    await built;
    await expect(readFile(join(dir, 'hooked'))).rejects.toThrow('ENOENT');
  });

  test.skipIf(nix.isMissing)('what no evaluation needs is refused', async () => {
    await startDaemon(nix.env);

    const collected = outputOf({
      command: 'nix-store',
      args: ['--gc', '--max-freed', '1'],
      env: throughFront(nix.env),
      deadlineMs: 30_000,
    });

    await expect(collected).rejects.toThrow('operation 20, which no evaluation needs');
  });

  test.skipIf(nix.isMissing)('a daemon that dies in the middle is told', async () => {
    await startDaemon(nix.env);
    const relay = join(dir, 'relay');
    server = createServer((client) => cutAfter(client, 60_000)).listen(relay);
    const cut = createStoreFronts(relay);
    const opened = await cut.open(join(dir, 'cut'));

    const evaluated = evaluate(
      { ...throughFront(nix.env), NIX_DAEMON_SOCKET_PATH: join(dir, 'cut') },
      await chain(),
    );

    await expect(evaluated).rejects.toThrow('nix ended with code 1');
    await expect(opened.settled()).rejects.toThrow('The store did not take what was evaluated');
    await opened.close();
    await cut.close();
  });
});

async function chain(): Promise<string> {
  await writeFile(join(dir, 'front.txt'), dir);
  return CHAIN.replace('SOURCE', join(dir, 'front.txt')).replace('UNIQUE', `"${dir}"`);
}

async function hook(): Promise<string> {
  await mkdir(join(dir, 'bin'), { recursive: true });
  const path = join(dir, 'bin/hook');
  await writeFile(path, `#!/bin/sh\ntouch ${join(dir, 'hooked')}\n`, { mode: 0o755 });
  return path;
}

/** Hands on to the daemon, until so many bytes have gone there. */
function cutAfter(client: Socket, bytes: number): void {
  const behind = connect(join(dir, 'daemon'));
  behind.pipe(client);
  let passed = 0;
  client.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    if (passed > bytes) {
      client.destroy();
      behind.destroy();
    } else {
      behind.write(chunk);
    }
  });
  for (const socket of [client, behind]) {
    socket.on('error', () => undefined);
  }
}
