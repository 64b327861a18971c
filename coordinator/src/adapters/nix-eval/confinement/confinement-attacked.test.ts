/**
 * A hostile flake tries to get out. Each attempt is an attribute whose derivation holds what it got; an attempt
 * that is stopped is a broken attribute. The same flake is evaluated unconfined first: there some of it works, so that
 * what is proved here is the confinement.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LanHost, startLanHost } from '../../../../test/lan-host.ts';
import {
  confine,
  type Evaluated,
  evaluateAll,
  makeRealEvaluation,
  type RealEvaluation,
  requestFor,
} from '../../../../test/real-evaluation.ts';
import type { FlakeSource } from '../../../ports/evaluator.ts';
import { createBuiltInEvaluator } from '../built-in-evaluator.ts';
import { createUnconfinedSpaces } from '../evaluation-space.ts';
import type { Confinement } from './confinement.ts';

// The sandbox of Debian's Nix has no shell; IFD builds need one.
const CONFIG = 'extra-sandbox-paths = /bin/sh=/usr/bin/bash-static';

let secret: string;
let sha256: string;
let real: RealEvaluation;
let listener: { readonly server: Server; readonly port: number; connections: number };
let other: Extract<FlakeSource, { kind: 'checkout' }>;
let lan: LanHost;
let statePath: string;

beforeAll(async () => {
  real = await makeRealEvaluation();
  await mkdir(join(real.git.dir, 'served'));
  lan = await startLanHost(join(real.git.dir, 'served'));
  listener = await listenOnLoopback();
});
/** New ones each time: what was once brought into the store is read by whoever knows its hash. */
beforeEach(async () => {
  secret = `secret-${randomBytes(8).toString('hex')}`;
  sha256 = createHash('sha256').update(secret).digest('hex');
  other = await real.checkOut({
    'secret.txt': secret,
    'flake.nix': `{ outputs = { self }: { secret = "${secret}"; }; }`,
  });
  statePath = join(real.git.dir, 'state/database');
  await writeFile(statePath, secret);
});
afterAll(async () => {
  await lan.close();
  listener.server.close();
  await real.remove();
});

async function listenOnLoopback(): Promise<typeof listener> {
  const server = createServer((socket) => {
    listener.connections += 1;
    socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${secret.length}\r\n\r\n${secret}`);
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '::' }, resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0, connections: 0 };
}

/** What is tried, as Nix text that evaluates to a string. */
function attempts(): Readonly<Record<string, string>> {
  const { port } = listener;
  const { mirrorDir, worktreeDir, sha } = other;
  const url = (host: string): string => `http://${host}:${port}/x`;
  const fetched = (from: string): string =>
    `builtins.readFile (builtins.fetchurl { url = "${from}"; sha256 = "${sha256}"; name = "n-\${unique}"; })`;
  return {
    'mirror-by-fetchGit': `builtins.readFile "\${builtins.fetchGit { url = "file://${mirrorDir}"; rev = "${sha}"; }}/secret.txt"`,
    'mirror-by-path': `builtins.readFile "\${builtins.fetchGit { url = "${mirrorDir}"; rev = "${sha}"; allRefs = true; }}/secret.txt"`,
    'mirror-by-fetchTree': `builtins.readFile "\${builtins.fetchTree { type = "git"; url = "file://${mirrorDir}"; rev = "${sha}"; }}/secret.txt"`,
    'worktree-by-getFlake': `(builtins.getFlake "git+file://${worktreeDir}?rev=${sha}").secret`,
    'worktree-by-tree-path': `builtins.readFile "\${builtins.fetchTree "path:${worktreeDir}?rev=${sha}"}/secret.txt"`,
    'state-by-fetchurl': fetched(`file://${statePath}`),
    'state-by-readFile': `builtins.readFile "${statePath}"`,
    'state-by-path': `builtins.readFile (builtins.path { path = "${statePath}"; sha256 = "${sha256}"; recursive = false; })`,
    'environment-by-getEnv': 'builtins.getEnv "ARGUNIX_TEST_SECRET"',
    'environment-by-proc': fetched('file:///proc/1/environ'),
    'etc-by-readFile': 'builtins.readFile "/etc/shadow"',
    'loopback-127': fetched(url('127.0.0.1')),
    'loopback-localhost': fetched(url('localhost')),
    'loopback-v6': fetched(url('[::1]')),
    'loopback-by-gateway': fetched(url('10.0.2.2')),
    'loopback-by-tarball': `builtins.readFile "\${builtins.fetchTarball { url = "${url('127.0.0.1')}"; sha256 = "${sha256}"; }}"`,
    'state-by-import': `builtins.readFile (derivation {
      name = "n-\${unique}"; system = s; builder = "/bin/sh"; args = [ "-c" "read secret < ${statePath} && echo $secret > $out" ];
    })`,
    'loopback-by-import': `builtins.readFile (derivation {
      name = "n-\${unique}"; system = "builtin"; builder = "builtin:fetchurl"; url = "${url('127.0.0.1')}"; outputHashMode = "flat";
      outputHashAlgo = "sha256"; outputHash = "${sha256}"; executable = false; unpack = false; preferLocalBuild = true;
    })`,
  };
}

async function hostileFlake(): Promise<FlakeSource> {
  const gots = Object.entries(attempts()).map(([name, text]) => `${name} = ${text};`);
  return await real.flake(`let
    unique = "${randomBytes(8).toString('hex')}";
    got = { ${gots.join('\n')} };
  in { packages.\${s} = builtins.mapAttrs (name: text: mk name { got = text; } // { meta.description = text; }) got; }`);
}

function stolen({ found }: Evaluated): readonly string[] {
  return found.flatMap((one) => (JSON.stringify(one).includes(secret) ? [one.attr] : []));
}

describe.each(installedNixes(CONFIG))('$title', { timeout: 60_000 }, ({ env, isMissing }) => {
  let confinement: Confinement;
  beforeEach(async (context) => {
    context.skip(isMissing);
    listener.connections = 0;
    confinement = await confine(join(real.git.dir, `confined-${randomBytes(4).toString('hex')}`), {
      ...env,
      ARGUNIX_TEST_SECRET: secret,
    });
  });
  afterEach(async () => {
    if (!isMissing) {
      await confinement.close();
    }
  });

  test('unconfined, a hostile flake gets hold of other repositories, files and ports', async () => {
    const evaluator = createBuiltInEvaluator(createUnconfinedSpaces({ ...env, ARGUNIX_TEST_SECRET: secret }));

    const evaluated = await evaluateAll(evaluator, requestFor(await hostileFlake(), { allowNetwork: true }));

    expect(stolen(evaluated)).toEqual(
      expect.arrayContaining([
        'packages.x86_64-linux.mirror-by-fetchGit',
        'packages.x86_64-linux.loopback-127',
      ]),
    );
    expect(listener.connections).toBeGreaterThan(0);
  });

  test.each([true, false])('confined, it gets nothing (network allowed: %s)', async (allowNetwork) => {
    const flake = await hostileFlake();

    const evaluated = await evaluateAll(
      createBuiltInEvaluator(confinement),
      requestFor(flake, { allowNetwork, allowImportFromDerivation: true }),
    );

    expect(evaluated.ending.kind).toBe('complete');
    expect(Object.keys(evaluated.outcomes)).toHaveLength(Object.keys(attempts()).length);
    expect(evaluated.found.filter((one) => stolen(evaluated).includes(one.attr))).toEqual([]);
    expect(listener.connections).toBe(0);
    expect(
      Object.entries(evaluated.outcomes).flatMap(([attr, outcome]) => (outcome === 'job' ? [attr] : [])),
    ).toEqual(['packages.x86_64-linux.environment-by-getEnv']);
  });

  test('inputs of the flake are fetched; without a network they are not', async () => {
    const name = `input-${randomBytes(4).toString('hex')}`;
    const input = await real.git.init(name);
    const word = randomBytes(8).toString('hex');
    await real.git.commit(input, { 'flake.nix': `{ outputs = { self }: { word = "${word}"; }; }` });
    const archive = join(real.git.dir, 'served', `${name}.tar.gz`);
    await real.git.git(input, 'archive', '--format=tar.gz', '--prefix=input/', '-o', archive, 'HEAD');
    const flake = await lockedFlake(
      `{ input.url = "${lan.url}/${name}.tar.gz"; }`,
      '{ packages.${s}.got = mk inputs.input.word { }; }',
      env,
    );
    const evaluator = createBuiltInEvaluator(confinement);

    const offline = await evaluateAll(evaluator, requestFor(flake));
    const online = await evaluateAll(evaluator, requestFor(flake, { allowNetwork: true }));

    expect(offline.outcomes['packages.x86_64-linux.got']).toContain('The network is off for evaluations');
    expect(online.ending).toEqual({ kind: 'complete', warnings: [] });
    expect(online.found).toMatchObject([{ kind: 'job', name: word }]);
  });
});

async function lockedFlake(
  inputs: string,
  outputs: string,
  env: Readonly<Record<string, string>>,
): Promise<FlakeSource> {
  const draft = await real.flake(outputs, inputs);
  const { worktreeDir } = draft;
  await outputOf({
    command: 'nix',
    // In a store of its own: an input that is in ours already would not be fetched.
    args: ['flake', 'lock', '--store', join(real.git.dir, 'locker-store'), `path:${worktreeDir}`],
    env: { ...env, HOME: join(real.git.dir, 'locker') },
    deadlineMs: 30_000,
  });
  return await real.checkOut({
    'flake.nix': await readFile(join(worktreeDir, 'flake.nix'), 'utf8'),
    'flake.lock': await readFile(join(worktreeDir, 'flake.lock'), 'utf8'),
  });
}
