import { access, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { compressedDuplex } from '@argunix/shared/nix/compressed-duplex';
import { greetServer } from '@argunix/shared/nix/serve-greeting';
import { createWireReader } from '@argunix/shared/nix/serve-protocol';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { describe, expect, test } from 'vitest';
import { build, logLines, logOf, texts } from './harness/leases.ts';
import { setScene } from './harness/scene.ts';

describe.each(installedNixes())('on $title', (nix) => {
  const scene = setScene(nix);

  async function exists(path: string): Promise<boolean> {
    return await access(path).then(
      () => true,
      () => false,
    );
  }

  test.skipIf(nix.isMissing)(
    'what is leased is rooted, built, and its log told from any line on',
    async () => {
      const { standIn } = scene();
      await scene().joined();
      const { one } = await instantiate(
        nix,
        `one = build "one" "for n in 1 2 3; do echo line $n; done; echo > $out" {};`,
      );

      standIn.say(build({ 7: one }));

      expect(await standIn.message('ended')).toMatchObject({
        lease: 7,
        ending: { kind: 'built' },
        log_lines: 3,
      });
      expect(standIn.messages.map(({ type }) => type)).toEqual(['rooted', 'started', 'ended']);
      expect(await logLines(await standIn.open(logOf(7, 1)))).toEqual([
        { derivation: 'one', phase: '', text: 'line 2' },
        { derivation: 'one', phase: '', text: 'line 3' },
        { end: 3 },
      ]);
      expect(await logLines(await standIn.open(logOf(7, 3)))).toEqual([{ end: 3 }]);
    },
  );

  test.skipIf(nix.isMissing)('a log is followed while its build runs', async () => {
    const { standIn, place } = scene();
    await scene().joined();
    const gate = join(place.dir, 'gate');
    const { slow } = await instantiate(
      nix,
      `slow = build "slow" "echo first; while [ ! -e ${gate} ]; do sleep 0.05; done; echo last; echo > $out" {};`,
    );
    standIn.say(build({ 1: slow }));
    await standIn.message('started');

    const channel = await standIn.open(logOf(1));
    const { promise: first, resolve } = Promise.withResolvers<string>();
    channel.once('data', (piece: Buffer) => resolve(piece.toString()));
    expect(await first).toContain('first');
    expect(standIn.messages.some(({ type }) => type === 'ended')).toBe(false);
    await outputOf({ command: 'touch', args: [gate], env: nix.env, deadlineMs: 10_000 });

    expect(texts(await logLines(channel))).toEqual(['last']);
  });

  test.skipIf(nix.isMissing)(
    'a failure is told with its exit code, and what needs it is told too',
    async () => {
      const { standIn } = scene();
      await scene().joined();
      const { bad, needs } = await instantiate(
        nix,
        `bad = build "bad" "echo going wrong; exit 3" {}; needs = build "needs" "cat $bad > $out" { inherit bad; };`,
      );

      standIn.say(build({ 1: bad, 2: needs }));

      expect((await standIn.message('ended', ({ lease }) => lease === 1)).ending).toMatchObject({
        kind: 'failed',
        exit_code: 3,
      });
      expect((await standIn.message('ended', ({ lease }) => lease === 2)).ending).toMatchObject({
        kind: 'dependency_failed',
        drv_path: bad,
      });
    },
  );

  test.skipIf(nix.isMissing)('a builder that ignores the polite signal is ended all the same', async () => {
    const { standIn } = scene();
    await scene().joined();
    const { deaf } = await instantiate(
      nix,
      `deaf = build "deaf" "trap : TERM; echo up; while :; do sleep 31.4159; done" {};`,
    );
    standIn.say(build({ 1: deaf }));
    await standIn.message('started');

    standIn.say({ type: 'cancel', lease: 1 });

    expect((await standIn.message('ended')).ending).toEqual({ kind: 'cancelled' });
    await until(async () => !(await processes()).includes('31.4159'));
  });

  test.skipIf(nix.isMissing)('of what is released nothing is left, running or ended', async () => {
    const { standIn, place } = scene();
    await scene().joined();
    const { one, slow, input } = await instantiate(
      nix,
      `one = build "one" "echo > $out" {}; slow = build "slow" "sleep 600" {}; input = build "input" "echo" {};`,
    );
    const inputs = [input ?? ''];
    standIn.say(build({ 1: one }, { inputs }));
    standIn.say(build({ 2: slow }, { batch: 2, inputs }));
    await standIn.message('started', ({ lease }) => lease === 2);
    await standIn.message('ended', ({ lease }) => lease === 1);
    expect(await rootOwners(place.stateDir)).toEqual(['inputs-1', 'inputs-2', 'lease-1', 'lease-2']);

    standIn.say({ type: 'release', lease: 1 });
    standIn.say({ type: 'release', lease: 2 });

    await until(async () => (await readdir(join(place.stateDir, 'leases'))).length === 0);
    await until(async () => (await rootOwners(place.stateDir)).length === 0);
    expect(standIn.messages.some((message) => message.type === 'ended' && message.lease === 2)).toBe(false);
  });

  test.skipIf(nix.isMissing)('the store is served, both ways', async () => {
    const { standIn } = scene();
    await scene().joined();

    for (const compression of ['none', 'zstd'] as const) {
      const channel = await standIn.open({ kind: 'store', compression });
      const wire = compression === 'none' ? channel : compressedDuplex(channel);

      expect(await greetServer(wire, createWireReader(wire))).toBeUndefined();
      wire.end();
    }
  });

  test.skipIf(nix.isMissing)('a channel that is told rubbish ends, and why is told', async () => {
    const { standIn } = scene();
    await scene().joined();

    const channel = await standIn.open({ kind: 'store', compression: 'none' });
    channel.write('this is not the serve protocol');
    channel.resume();

    expect((await standIn.message('broken')).reason).toContain('nix-store --serve ended with code 1');
  });

  test.skipIf(nix.isMissing)('what the caches have is fetched, with word of how far it is', async () => {
    const { standIn, place } = scene();
    const cache = await makeCache(nix, place.dir);
    const missing = '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-nobody-has-this';
    await scene().joined({ nix: { ...nix, env: cache.env } });
    expect(standIn.hellos[0]?.capabilities.substitutes).toBe(true);

    standIn.say({ type: 'substitute', id: 5, paths: [missing, cache.path] });
    const far = await standIn.message('substituting', ({ text }) => text !== '');
    expect(far).toMatchObject({ id: 5, bytes_total: 3_000_112 });
    expect(far.text).toContain(cache.path);
    await cache.feed();

    expect((await standIn.message('substituted')).id).toBe(5);
    expect(await exists(cache.path)).toBe(true);
  });

  test.skipIf(nix.isMissing)('a fetch that is not wanted any more ends', async () => {
    const { standIn, place } = scene();
    const cache = await makeCache(nix, place.dir);
    await scene().joined({ nix: { ...nix, env: cache.env } });
    standIn.say({ type: 'substitute', id: 6, paths: [cache.path] });
    await standIn.message('substituting', ({ text }) => text !== '');

    standIn.say({ type: 'stop_substituting', id: 6 });

    expect((await standIn.message('substituted')).id).toBe(6);
    expect(await exists(cache.path)).toBe(false);
  });
});

interface Cache {
  readonly env: Readonly<Record<string, string>>;
  readonly path: string;
  /** It has one path, and gives nothing of it before this. */
  feed(): Promise<void>;
}

async function makeCache(nix: RealNix, dir: string): Promise<Cache> {
  const cache = join(dir, 'cache');
  const env = {
    ...nix.env,
    NIX_CONFIG: `${nix.env['NIX_CONFIG']}\nsubstituters = file://${cache}\nrequire-sigs = false`,
  };
  const run = (command: string, ...args: readonly string[]): Promise<string> =>
    outputOf({ command, args, env, deadlineMs: 60_000 });
  const file = join(dir, 'fetched');
  await run('sh', '-c', `head -c 3000000 /dev/urandom > ${file}`);
  const path = (await run('nix-store', '--add', file)).trim();
  await run('nix', 'copy', '--to', `file://${cache}?compression=none`, path);
  await run('nix-store', '--delete', path);
  const [name = ''] = await readdir(join(cache, 'nar'));
  const nar = join(cache, 'nar', name);
  await rename(nar, `${nar}.whole`);
  await run('mkfifo', nar);
  return { env, path, feed: async () => void (await run('sh', '-c', `cat ${nar}.whole > ${nar}`)) };
}

async function processes(): Promise<string> {
  return await outputOf({
    command: 'ps',
    args: ['-eo', 'args'],
    env: { PATH: process.env['PATH'] },
    deadlineMs: 10_000,
  });
}

async function rootOwners(stateDir: string): Promise<readonly string[]> {
  const { createHash } = await import('node:crypto');
  const place = createHash('sha256').update(join(stateDir, 'gcroots')).digest('hex').slice(0, 32);
  const names = await readdir(join('/nix/var/nix/gcroots/argunix', place)).catch(() => []);
  return names.filter((name) => name !== 'of').toSorted();
}
