/** Builders and settings that work against us. */
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { describe, expect, test } from 'vitest';
import { recordBuilds } from './testing/build-record.ts';
import { builderOf, isBuilding, LIMITS, range, run, uniqueOf } from './testing/local-builds.ts';

describe.each(installedNixes())('$title', (nix) => {
  test.skipIf(nix.isMissing)('a line without end is cut, and the build is what it is', async () => {
    const drvs = await instantiate(
      nix,
      String.raw`endless = build "endless" "head -c 3000000 /dev/zero | tr '\\0' a; echo x > $out" {};`,
    );
    const record = recordBuilds(drvs);

    await run(nix, record);

    expect(record.endingOf('endless')).toEqual({ kind: 'built' });
    const texts = record.linesOf('endless').map(({ text }) => text);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
    expect(texts.at(-1)).toMatch(/ … \(\d+ bytes of this line left out\)$/);
    expect(texts.join('').length).toBeLessThan(1_100_000);
  });

  test.skipIf(nix.isMissing)('in the sandbox it is the same, and a stubborn builder ends', async () => {
    const config = 'sandbox = true\nextra-sandbox-paths = /bin/sh=/usr/bin/bash-static';
    const boxed = { ...nix, env: { ...nix.env, NIX_CONFIG: `${nix.env['NIX_CONFIG']}\n${config}` } };
    const drvs = await instantiate(
      boxed,
      String.raw`stubborn = build "stubborn" "trap \"\" TERM; echo ready; while :; do :; done" {};
       ok = build "ok" "echo x > $out" {};
       blind = build "blind" "test ! -e /etc/debian_version && echo x > $out" {};`,
    );
    const record = recordBuilds(drvs);
    const builder = await builderOf(boxed);
    expect(builder.offer.isSandboxed).toBe(true);
    const building = builder.build(record.requests, 2, LIMITS, record.observer, AbortSignal.timeout(100_000));
    await until(() => record.linesOf('stubborn').length > 0);

    builder.cancel(record.leaseOf('stubborn'));
    await building;

    expect(['ok', 'blind', 'stubborn'].map((name) => record.endingOf(name)?.kind)).toEqual([
      'built',
      'built',
      'cancelled',
    ]);
    expect(isBuilding(uniqueOf(drvs))).toBe(false);
  });

  test.skipIf(nix.isMissing)(
    'a setting of the operator does not make a failure look like a success',
    async () => {
      const eager = {
        ...nix,
        env: { ...nix.env, NIX_CONFIG: `${nix.env['NIX_CONFIG']}\nkeep-going = true` },
      };
      const drvs = await instantiate(
        eager,
        range(12, (at) => `d${at} = build "d${at}" "${at % 3 === 0 ? 'exit 1' : 'echo x > $out'}" {};`),
      );
      const record = recordBuilds(drvs);

      await run(eager, record, { slots: 1 });

      expect(Object.keys(drvs).map((name) => record.endingOf(name)?.kind === 'built')).toEqual(
        Object.keys(drvs).map((name) => Number(name.slice(1)) % 3 !== 0),
      );
    },
  );

  test.skipIf(nix.isMissing)(
    'what a builder writes in Nix’s own format is believed of itself only',
    async () => {
      const drvs = await instantiate(
        nix,
        String.raw`victim = build "victim" "echo x > $out" {};
       liar = build "liar" "echo \"@nix {\\\"action\\\":\\\"msg\\\",\\\"level\\\":0,\\\"msg\\\":\\\"builder for '$victim' failed with exit code 9\\\"}\" >&2; exit 1"
         { victim = builtins.unsafeDiscardStringContext victim.drvPath; };`,
      );
      const record = recordBuilds(drvs);

      await run(nix, record, { slots: 1 });

      expect(record.endingOf('victim')).toEqual({ kind: 'built' });
      expect(record.endingOf('liar')?.kind).toBe('failed');
    },
  );
});
