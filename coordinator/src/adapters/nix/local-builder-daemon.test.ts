/** The same builds through a daemon of our own, and with the coordinator dying at work. */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLocalBuilder } from './local-builder.ts';
import { recordBuilds } from './testing/build-record.ts';
import { isBuilding, LIMITS, uniqueOf } from './testing/local-builds.ts';

const STUBBORN = String.raw`stubborn = build "stubborn" "trap \"\" TERM; echo ready; while :; do sleep 0.05; done" {};`;

let dir: string;
let daemon: RunningProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'daemon-'));
});
afterEach(async () => {
  daemon?.stop();
  await daemon?.ended;
  daemon = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function throughDaemon(nix: RealNix): Promise<RealNix> {
  const socket = join(dir, 'socket');
  daemon = startProcess({
    command: 'nix-daemon',
    args: ['--daemon'],
    env: { ...nix.env, NIX_DAEMON_SOCKET_PATH: socket },
    deadlineMs: 120_000,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
  });
  daemon.stdout.resume();
  daemon.stderr.resume();
  await until(() => readdirSync(dir).includes('socket'));
  return { ...nix, env: { ...nix.env, NIX_REMOTE: `unix://${socket}` } };
}

describe.each(installedNixes())('$title through the daemon', (direct) => {
  test.skipIf(direct.isMissing)('endings are the same though every exit code is 1', async () => {
    const nix = await throughDaemon(direct);
    const drvs = await instantiate(
      nix,
      String.raw`ok = build "ok" "echo x > $out" {};
       bad = build "bad" "echo to be bad; exit 3" {};
       needs = build "needs" "echo $x > $out" { x = build "inner" "exit 1" {}; };
       killed = build "killed" "kill -9 $$" {};
       hash = build "hash" "echo x > $out" { outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; outputHashMode = "flat"; };
       refers = build "refers" "echo $out > $out" { allowedReferences = [ ]; };
       silent = build "silent" "while :; do sleep 0.05; done" {};
       system = build "system" "echo x > $out" { system = "aarch64-linux"; };`,
    );
    const record = recordBuilds(drvs);
    const builder = createLocalBuilder({
      name: 'local',
      configuration: await readNixConfiguration(nix.env),
      env: nix.env,
      derivations: createDerivationReader(),
    });

    for (let requests = record.requests; requests.length > 0; requests = record.takeReturned()) {
      await builder.build(
        requests,
        2,
        { timeoutMs: 60_000, maxSilentMs: 1_000, maxLogBytes: 1_000_000 },
        record.observer,
        AbortSignal.timeout(60_000),
      );
    }

    expect(Object.fromEntries(Object.keys(drvs).map((name) => [name, record.endingOf(name)?.kind]))).toEqual({
      ok: 'built',
      bad: 'failed',
      needs: 'dependency_failed',
      killed: 'infrastructure',
      hash: 'failed',
      refers: 'failed',
      silent: 'timed_out',
      system: 'unsupported',
    });
    expect(record.linesOf('bad')[0]).toEqual({ derivation: 'bad', phase: '', text: 'to be bad' });
    expect(record.reasonOf('bad')).toBe(`builder for '${drvs['bad']}' failed with exit code 3`);
  });

  test.skipIf(direct.isMissing)(
    'a builder that ignores TERM is gone when its lease is cancelled',
    async () => {
      const nix = await throughDaemon(direct);
      const drvs = await instantiate(nix, STUBBORN);
      const record = recordBuilds(drvs);
      const builder = createLocalBuilder({
        name: 'local',
        configuration: await readNixConfiguration(nix.env),
        env: nix.env,
        derivations: createDerivationReader(),
        graceMs: 2_000,
      });
      const building = builder.build(
        record.requests,
        1,
        LIMITS,
        record.observer,
        AbortSignal.timeout(60_000),
      );
      await until(() => record.linesOf('stubborn').length > 0);

      builder.cancel(record.leaseOf('stubborn'));
      await building;

      expect(record.endingOf('stubborn')).toEqual({ kind: 'cancelled' });
      // The daemon's own child does that; it is no descendant of ours.
      await until(() => !isBuilding(uniqueOf(drvs)));
    },
  );

  test.skipIf(direct.isMissing)('a daemon that dies at work is infrastructure', async () => {
    const nix = await throughDaemon(direct);
    const drvs = await instantiate(nix, STUBBORN);
    const record = recordBuilds(drvs);
    const builder = createLocalBuilder({
      name: 'local',
      configuration: await readNixConfiguration(nix.env),
      env: nix.env,
      derivations: createDerivationReader(),
    });
    const building = builder.build(record.requests, 1, LIMITS, record.observer, AbortSignal.timeout(60_000));
    await until(() => record.linesOf('stubborn').length > 0);

    daemon?.stop();
    await building;

    expect(record.endingOf('stubborn')?.kind).toBe('infrastructure');
    await until(() => !isBuilding(uniqueOf(drvs)));
  });
});

describe.each(installedNixes())('$title', (direct) => {
  test.skipIf(direct.isMissing).each(['single-user', 'through the daemon'])(
    'no builder survives a coordinator that is killed with -9, %s',
    async (mode) => {
      const nix = mode === 'single-user' ? direct : await throughDaemon(direct);
      const drvs = await instantiate(nix, STUBBORN);
      const script = join(dir, 'coordinator.mjs');
      await writeFile(
        script,
        `
        import { createDerivationReader } from '${join(import.meta.dirname, '../../../../shared/src/nix/derivation-reader.ts')}';
        import { createLocalBuilder } from '${join(import.meta.dirname, 'local-builder.ts')}';
        const [drvPath, configuration] = process.argv.slice(2);
        const builder = createLocalBuilder({ name: 'local', configuration: JSON.parse(configuration),
          env: { ...process.env }, derivations: createDerivationReader() });
        const observer = { started() {}, lines() { console.log('line'); }, ended() {} };
        await builder.build([{ leaseId: 1, drvPath }], 1, { timeoutMs: 60000, maxSilentMs: 60000, maxLogBytes: 1_000_000 }, observer,
          AbortSignal.timeout(60000));`,
      );
      const coordinator = startProcess({
        command: process.execPath,
        args: [
          '--conditions=source',
          script,
          drvs['stubborn'] ?? '',
          JSON.stringify(await readNixConfiguration(nix.env)),
        ],
        env: nix.env,
        deadlineMs: 60_000,
      });
      let said = '';
      coordinator.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
      });
      await until(() => said !== '');

      process.kill(coordinator.pid ?? Number.NaN, 'SIGKILL');

      expect((await coordinator.ended).kind).toBe('signalled');
      await until(() => !isBuilding(uniqueOf(drvs)));
    },
  );
});
