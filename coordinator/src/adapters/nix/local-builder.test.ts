import { readableReason } from '@argunix/shared/domain/readable-reason';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { until } from '@argunix/shared/kit/testing/until';
import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { describe, expect, test } from 'vitest';
import { createLocalBuilder } from './local-builder.ts';
import { recordBuilds } from './testing/build-record.ts';
import { builderOf, isBuilding, LIMITS, range, run, uniqueOf } from './testing/local-builds.ts';

const SPIN = 'while :; do sleep 0.05; done';
const TALK = 'while :; do echo 01234567890123456789012345678901234567890123456789; done';

describe.each(installedNixes())('$title', (nix) => {
  test.skipIf(nix.isMissing)(
    'what was built, what was there, its outputs, its lines and their phase are told',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`ok = build "ok" "echo one; echo '@nix {\"action\":\"setPhase\",\"phase\":\"buildPhase\"}' >&2; echo two; printf three; echo x > $out" {};
       two = build "two" "echo 1 > $out; echo 2 > $dev" { outputs = [ "out" "dev" ]; };`,
      );
      const record = recordBuilds(drvs);

      await run(nix, record);
      const again = recordBuilds(drvs);
      await run(nix, again);

      expect(record.endingOf('ok')).toEqual({ kind: 'built' });
      expect(record.endingOf('two')).toEqual({ kind: 'built' });
      expect(record.events.filter((event) => event.endsWith('ok') || event.includes(' ok '))).toEqual([
        'started ok',
        'ended ok built',
      ]);
      expect(record.linesOf('ok')).toEqual([
        { derivation: 'ok', phase: '', text: 'one' },
        { derivation: 'ok', phase: 'buildPhase', text: 'two' },
        { derivation: 'ok', phase: 'buildPhase', text: 'three' },
      ]);
      expect(again.events.toSorted()).toEqual(['ended ok substituted', 'ended two substituted']);
    },
  );

  test.skipIf(nix.isMissing)(
    'each way to fail has its own ending, and none of them touches its neighbours',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`ok1 = build "ok1" "echo x > $out" {};
       bad = build "bad" "echo to be bad; exit 3" {};
       ok2 = build "ok2" "echo x > $out" {};
       none = build "none" "true" {};
       hash = build "hash" "echo x > $out" { outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; outputHashMode = "flat"; };
       killed = build "killed" "kill -9 $$" {};
       crashed = build "crashed" "kill -11 $$" {};
       system = build "system" "echo x > $out" { system = "aarch64-linux"; };
       feature = build "feature" "echo x > $out" { requiredSystemFeatures = [ "no-such" ]; };
       refers = build "refers" "echo $out > $out" { allowedReferences = [ ]; };
       ok3 = build "ok3" "echo x > $out" {};`,
      );
      const record = recordBuilds(drvs);

      await run(nix, record);

      const kinds = Object.fromEntries(Object.keys(drvs).map((name) => [name, record.endingOf(name)?.kind]));
      expect(kinds).toEqual({
        ok1: 'built',
        ok2: 'built',
        ok3: 'built',
        bad: 'failed',
        none: 'failed',
        hash: 'failed',
        refers: 'failed',
        crashed: 'failed',
        killed: 'infrastructure',
        system: 'unsupported',
        feature: 'unsupported',
      });
      expect(record.endingOf('bad')).toMatchObject({ kind: 'failed', exitCode: 3 });
      expect(readableReason(record.reasonOf('bad'))).toBe('The build of bad failed with exit code 3.');
      for (const name of ['none', 'hash', 'refers', 'crashed']) {
        expect(record.endingOf(name)).toMatchObject({ exitCode: null });
      }
      expect(record.reasonOf('crashed')).toContain('signal 11');
      expect(record.reasonOf('hash')).toMatch(
        /^hash mismatch in fixed-output.*\nspecified: sha256-.*\ngot: +sha256-/,
      );
      expect(record.reasonOf('killed')).toContain('ran out of memory');
      expect(record.reasonOf('system')).toContain('aarch64-linux');
      expect(record.linesOf('bad').map(({ text }) => text)).toEqual([
        'to be bad',
        ...record.reasonOf('bad').split('\n'),
      ]);
    },
  );

  test.skipIf(nix.isMissing)('a failure reaches its dependents by name, asked for or not', async () => {
    const drvs = await instantiate(
      nix,
      String.raw`bad = build "bad" "exit 1" {};
       named = build "named" "echo $x > $out" { x = bad; };
       far = build "far" "echo $x > $out" { x = named; };
       hidden = build "hidden" "echo $x > $out" { x = build "inner" "echo from inner; exit 1" {}; };
       visible = build "visible" "echo $x > $out" { x = build "inner2" "echo from inner2; echo x > $out" {}; };`,
    );
    const record = recordBuilds(drvs);

    await run(nix, record);

    expect(record.endingOf('named')).toMatchObject({ kind: 'dependency_failed', drvPath: drvs['bad'] });
    expect(record.reasonOf('named')).toMatch(/^bad: .*builder .*failed with exit code 1/s);
    expect(record.endingOf('far')).toEqual(record.endingOf('named'));
    expect(record.endingOf('hidden')?.kind).toBe('dependency_failed');
    expect(record.reasonOf('hidden')).toMatch(/-inner\.drv' failed/);
    expect(record.linesOf('hidden')[0]).toEqual({ derivation: 'inner', phase: '', text: 'from inner' });
    expect(record.endingOf('visible')).toEqual({ kind: 'built' });
    expect(record.linesOf('visible')).toEqual([{ derivation: 'inner2', phase: '', text: 'from inner2' }]);
    expect(record.events.filter((event) => event === 'started bad')).toHaveLength(1);
  });

  test.skipIf(nix.isMissing)('each limit is named in words', async () => {
    const drvs = await instantiate(
      nix,
      String.raw`silent = build "silent" "echo a; ${SPIN}" {};
       long = build "long" "while :; do echo a; sleep 0.2; done" {};
       talks = build "talks" "${TALK}" {};
       needs = build "needs" "echo $x > $out" { x = build "inner" "${TALK}" {}; };`,
    );
    const record = recordBuilds(drvs);

    await run(nix, record, { limits: { timeoutMs: 3_000, maxSilentMs: 1_000, maxLogBytes: 100 * 1024 } });

    const talk = 'printed more than 100 KiB; schedule.max_log_size says how much is allowed.';
    expect(record.endingOf('talks')).toEqual({ kind: 'over_limit', reason: `It ${talk}` });
    expect(record.endingOf('needs')).toMatchObject({ kind: 'dependency_failed', reason: `inner ${talk}` });

    expect(record.endingOf('silent')).toEqual({ kind: 'timed_out', reason: 'said nothing for 1 s' });
    expect(record.endingOf('long')).toEqual({ kind: 'timed_out', reason: 'took longer than 3 s' });
  });

  test.skipIf(nix.isMissing)(
    'what would have to wait for a long one comes back, soon and once, and the long one goes on',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`quick = build "aquick" "echo x > $out" {};
         long = build "along" "echo ready; ${SPIN}" {};
         ${range(6, (at) => `later${at} = build "later${at}" "echo x > $out" {};`)}`,
      );
      const record = recordBuilds(drvs);
      const abort = new AbortController();
      const building = run(nix, record, { slots: 1, signal: abort.signal, patienceMs: 300, isOnce: true });

      await until(() => record.events.filter((event) => event.startsWith('ended')).length >= 6);
      await until(() => record.linesOf('long').length > 0);
      await until(() => record.events.filter((event) => event.startsWith('ended')).length === 7);
      expect(record.endingOf('long')).toBeUndefined();
      expect(isBuilding(uniqueOf(drvs))).toBe(true);
      abort.abort();
      await building;

      expect(record.endingOf('long')).toEqual({ kind: 'cancelled' });
      const kinds = Object.keys(drvs).map((name) => record.endingOf(name)?.kind);
      expect(kinds.filter((kind) => kind === 'returned').length).toBeGreaterThan(0);
      expect(new Set(kinds)).toEqual(
        new Set(kinds.includes('built') ? ['built', 'returned', 'cancelled'] : ['returned', 'cancelled']),
      );
      for (const name of Object.keys(drvs).filter((one) => record.endingOf(one)?.kind === 'returned')) {
        expect(record.events).not.toContain(`started ${name}`);
      }
    },
  );

  test.skipIf(nix.isMissing)(
    'what finds a free slot is built though it stood behind a long one',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`long = build "along" "${SPIN}" {};
       ${range(3, (at) => `quick${at} = build "quick${at}" "echo x > $out" {};`)}`,
      );
      const record = recordBuilds(drvs);
      const abort = new AbortController();
      const building = run(nix, record, { slots: 2, signal: abort.signal, patienceMs: 3_000, isOnce: true });

      await until(() => record.events.filter((event) => event.startsWith('ended')).length === 3);
      abort.abort();
      await building;

      expect([0, 1, 2].map((at) => record.endingOf(`quick${at}`)?.kind)).toEqual(['built', 'built', 'built']);
    },
  );

  test.skipIf(nix.isMissing)('what needs a long one comes back, and what needs that', async () => {
    const drvs = await instantiate(
      nix,
      String.raw`long = build "along" "${SPIN}" {};
       needs = build "needs" "echo $x > $out" { x = long; };
       far = build "far" "echo $x > $out" { x = needs; };
       bad = build "bad" "exit 1" {};
       failed = build "failed" "echo $x > $out" { x = bad; };`,
    );
    const record = recordBuilds(drvs);
    const abort = new AbortController();
    const building = run(nix, record, { slots: 4, signal: abort.signal, patienceMs: 300, isOnce: true });

    await until(() => record.events.filter((event) => event.startsWith('ended')).length === 4);
    expect(record.endingOf('long')).toBeUndefined();
    abort.abort();
    await building;

    expect(['needs', 'far', 'bad', 'failed'].map((name) => record.endingOf(name)?.kind)).toEqual([
      'returned',
      'returned',
      'failed',
      'dependency_failed',
    ]);
  });

  test.skipIf(nix.isMissing)('a hundred trivial ones are all built in one call', async () => {
    const drvs = await instantiate(
      nix,
      range(100, (at) => `d${at} = build "d${at}" "echo x > $out" {};`),
    );
    const record = recordBuilds(drvs);

    await run(nix, record, { slots: 2, patienceMs: 10_000, isOnce: true });

    expect(new Set(Object.keys(drvs).map((name) => record.endingOf(name)?.kind))).toEqual(new Set(['built']));
  });

  test.skipIf(nix.isMissing)(
    'a builder that ignores TERM does not outlive the cancellation of everything',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`stubborn = build "stubborn" "trap \"\" TERM; echo ready; ${SPIN}" {};
       waiting = build "waiting" "echo $x > $out" { x = stubborn; };`,
      );
      const record = recordBuilds(drvs);
      const abort = new AbortController();
      const building = run(nix, record, { signal: abort.signal });
      await until(() => record.linesOf('stubborn').length > 0);
      expect(isBuilding(uniqueOf(drvs))).toBe(true);

      abort.abort();
      await building;

      expect(isBuilding(uniqueOf(drvs))).toBe(false);
      expect(record.events).toEqual([
        'started stubborn',
        'ended waiting cancelled',
        'ended stubborn cancelled',
      ]);
    },
  );

  test.skipIf(nix.isMissing)('one lease is cancelled and the others are built or come back', async () => {
    const drvs = await instantiate(
      nix,
      String.raw`stubborn = build "stubborn" "trap \"\" TERM; echo ready; ${SPIN}" {};
       ${range(5, (at) => `other${at} = build "other${at}" "echo x > $out" {};`)}`,
    );
    const record = recordBuilds(drvs);
    const builder = await builderOf(nix);
    const building = builder.build(record.requests, 1, LIMITS, record.observer, AbortSignal.timeout(100_000));
    builder.cancel(record.leaseOf('other3'));
    await until(() => record.linesOf('stubborn').length > 0);

    builder.cancel(record.leaseOf('stubborn'));
    await building;

    expect(record.endingOf('stubborn')).toEqual({ kind: 'cancelled' });
    expect(record.endingOf('other3')).toEqual({ kind: 'cancelled' });
    for (const at of [0, 1, 2, 4]) {
      expect(['built', 'returned']).toContain(record.endingOf(`other${at}`)?.kind);
    }
    expect(isBuilding(uniqueOf(drvs))).toBe(false);
  });

  test.skipIf(nix.isMissing)(
    'a derivation that is gone, and a Nix that is gone, are infrastructure',
    async () => {
      const gone = '/nix/store/00000000000000000000000000000000-gone.drv';
      const { ok } = await instantiate(nix, 'ok = build "ok" "echo x > $out" {};');
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a path of the right form that nobody made
      const record = recordBuilds({ gone: gone as DerivationPath, ok: ok ?? (gone as DerivationPath) });

      await run(nix, record);
      const missing = recordBuilds(ok === undefined ? {} : { ok });
      const builder = createLocalBuilder({
        name: 'local',
        configuration: await readNixConfiguration(nix.env),
        env: { PATH: '/nonexistent' },
        derivations: createDerivationReader(),
      });
      await builder.build(missing.requests, 1, LIMITS, missing.observer, AbortSignal.timeout(10_000));

      expect(record.endingOf('gone')?.kind).toBe('infrastructure');
      expect(record.endingOf('ok')).toEqual({ kind: 'built' });
      expect(missing.endingOf('ok')?.kind).toBe('infrastructure');
      expect(missing.reasonOf('ok')).toContain('could not be started');
    },
  );
});
