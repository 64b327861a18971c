import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, expect, test } from 'vitest';
import { type ClosureCarrier, createClosureCarrier, type PushResult } from './closure-carrier.ts';
import { createDerivationFacts } from './derivation-facts.ts';
import type { RemoteEnd } from './serve-end.ts';
import { createFarStore, type FarStore } from './testing/far-store.ts';
import { withFault } from './testing/faulty-end.ts';

const [host, newer] = installedNixes() as [RealNix, RealNix];
const QUIET = { progress: () => undefined };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
});

async function farStore(nix: RealNix): Promise<FarStore> {
  const far = await createFarStore(nix);
  cleanUps.push(() => far.remove());
  return far;
}

function carrierTo(
  far: FarStore,
  nix: RealNix = host,
  more: { openRemote?: (signal: AbortSignal) => Promise<RemoteEnd>; stallMs?: number } = {},
): ClosureCarrier {
  const carrier = createClosureCarrier({
    env: nix.env,
    derivations: createDerivationFacts(),
    stallMs: 20_000,
    openRemote: () => far.openRemote(),
    ...more,
  });
  cleanUps.push(() => carrier.close());
  return carrier;
}

async function realise(nix: RealNix, drvPath: string): Promise<string> {
  const made = await outputOf({
    command: 'nix-store',
    args: ['--realise', drvPath],
    env: nix.env,
    deadlineMs: 30_000,
  });
  return made.trim();
}

async function isValidHere(nix: RealNix, path: string): Promise<boolean> {
  return await outputOf({
    command: 'nix-store',
    args: ['--check-validity', path],
    env: nix.env,
    deadlineMs: 30_000,
  }).then(
    () => true,
    () => false,
  );
}

async function outputsOf(nix: RealNix, drvPath: string): Promise<readonly string[]> {
  const said = await outputOf({
    command: 'nix-store',
    args: ['-q', '--outputs', drvPath],
    env: nix.env,
    deadlineMs: 30_000,
  });
  return said.trim().split('\n');
}

const CHAIN = `
  built = build "built" "echo here > $out" {};
  inner = build "inner" "{ echo inner; echo $src; } > $out" { src = builtins.toFile "source" "of \${unique}"; };
  top = build "top" "{ cat $built $inner; echo $inner $built; } > $out; echo $out > $dev" { inherit built inner; outputs = [ "out" "dev" ]; };`;

/** A derivation of which one input is built here and the other is not. */
async function chain(
  nix: RealNix,
): Promise<{ readonly top: DerivationPath; readonly inner: DerivationPath; readonly builtPath: string }> {
  const drvs = await instantiate(nix, CHAIN);
  return {
    top: drvs['top'] as DerivationPath,
    inner: drvs['inner'] as DerivationPath,
    builtPath: await realise(nix, drvs['built'] ?? ''),
  };
}

test.each([
  ['2.8 to 2.8', host, host],
  ['2.26 to 2.26', newer, newer],
  ['2.8 to 2.26', host, newer],
  ['2.26 to 2.8', newer, host],
])(
  'a derivation is pushed, built there, and comes back with what the lease covers: %s',
  async (_, ours, theirs) => {
    if (ours.isMissing || theirs.isMissing) {
      return;
    }
    const far = await farStore(theirs);
    const carrier = carrierTo(far, ours);
    const { top, inner, builtPath } = await chain(ours);
    const [innerPath = ''] = await outputsOf(ours, inner);
    const topPaths = await outputsOf(ours, top);

    const pushed = await carrier.push({ drvPaths: [top] }, QUIET);

    expect(pushed.heads.toSorted()).toEqual([top, builtPath].toSorted());
    expect(pushed.covered.toSorted()).toEqual([innerPath, ...topPaths].toSorted());
    expect(await far.isValid(builtPath)).toBe(true);
    expect(await far.isValid(innerPath)).toBe(false);
    await far.run('nix-store', '--realise', top);
    const pulled = await carrier.pull({ drvPath: top, outputs: topPaths, covered: pushed.covered }, QUIET);
    expect(pulled.bytes).toBeGreaterThan(0);
    // The inner one came along: the outputs refer to it.
    expect(await Promise.all([innerPath, ...topPaths].map((path) => isValidHere(ours, path)))).toEqual([
      true,
      true,
      true,
    ]);
    const deriver = await outputOf({
      command: 'nix-store',
      args: ['-q', '--deriver', innerPath],
      env: ours.env,
      deadlineMs: 9_000,
    });
    expect(deriver.trim()).toBe(inner);
    expect(await carrier.coveredOutputs(top)).toEqual([]);
  },
);

test('over a slow link all of it travels compressed, both ways', async () => {
  const far = await farStore(host);
  const carried = { toBuilder: 0, fromBuilder: 0 };
  const carrier = createClosureCarrier({
    env: host.env,
    derivations: createDerivationFacts(),
    stallMs: 20_000,
    linkHint: () => ({ bytesPerSecond: 1_000_000 }),
    async openRemote(_signal, { compression }) {
      const remote = await far.openRemote(compression);
      return { ...remote, stream: counted(remote.stream, carried) };
    },
  });
  cleanUps.push(() => carrier.close());
  const drvs = await instantiate(
    host,
    `big = build "big" "yes $unique | head -c 20000000 > $out" {}; a = build "a" "yes $big | head -c 20000000 > $out" { inherit big; };`,
  );
  await realise(host, drvs['big'] ?? '');
  const drvPath = drvs['a'] as DerivationPath;
  const outputs = await outputsOf(host, drvPath);

  const { covered } = await carrier.push({ drvPaths: [drvPath] }, QUIET);
  await far.run('nix-store', '--realise', drvPath);
  await carrier.pull({ drvPath, outputs, covered }, QUIET);

  expect(await isValidHere(host, outputs[0] ?? '')).toBe(true);
  expect(carried.toBuilder).toBeLessThan(1_000_000);
  expect(carried.fromBuilder).toBeLessThan(1_000_000);
});

function counted(stream: Duplex, carried: { toBuilder: number; fromBuilder: number }): Duplex {
  const toBuilder = new PassThrough().on('data', (chunk: Buffer) => {
    carried.toBuilder += chunk.length;
  });
  const fromBuilder = new PassThrough().on('data', (chunk: Buffer) => {
    carried.fromBuilder += chunk.length;
  });
  toBuilder.pipe(stream).pipe(fromBuilder);
  return Duplex.from({ readable: fromBuilder, writable: toBuilder });
}

test('what is there already is not sent again, and is held from the collector until the release', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far, host, {});
  const { top, builtPath } = await chain(host);
  const first = await carrier.push({ drvPaths: [top] }, QUIET);
  const second = await carrier.push({ drvPaths: [top] }, QUIET);

  expect(first.bytes).toBeGreaterThan(0);
  expect(second.bytes).toBe(0);
  first.release();
  await far.run('nix-store', '--gc');
  expect([await far.isValid(top), await far.isValid(builtPath)]).toEqual([true, true]);
  second.release();
  carrier.close();
  await until(() => far.living() === 0);
  await far.run('nix-store', '--gc');
  expect(await far.isValid(builtPath)).toBe(false);
});

test('two pushes at once that need the same paths send them once', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const drvs = await instantiate(
    host,
    `shared = build "shared" "head -c 100000000 /dev/zero > $out" {}; a = build "a" "" { inherit shared; }; b = build "b" "" { inherit shared; };`,
  );
  await realise(host, drvs['shared'] ?? '');

  const pushed = await Promise.all(
    ['a', 'b'].map((name) => carrier.push({ drvPaths: [drvs[name] as DerivationPath] }, QUIET)),
  );

  const [least = 0, most = 0] = pushed.map(({ bytes }) => bytes).toSorted((a, b) => a - b);
  expect(most).toBeGreaterThan(100_000_000);
  expect(least).toBeLessThan(10_000);
});

test('a small push overtakes a large one', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const drvs = await instantiate(
    host,
    `large = build "large" "head -c 300000000 /dev/zero > $out" {}; a = build "a" "" { inherit large; }; b = build "b" "" {};`,
  );
  await realise(host, drvs['large'] ?? '');
  const order: string[] = [];
  let startSmall: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    startSmall = resolve;
  });

  const large = carrier
    .push(
      { drvPaths: [drvs['a'] as DerivationPath] },
      { progress: ({ bytesDone }) => bytesDone > 1_000_000 && startSmall() },
    )
    .then(() => order.push('large'));
  await started;
  const small = carrier
    .push({ drvPaths: [drvs['b'] as DerivationPath] }, QUIET)
    .then(() => order.push('small'));
  await Promise.all([large, small]);

  expect(order).toEqual(['small', 'large']);
});

test('the builder is asked for what its caches have before it is sent', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const { top, builtPath } = await chain(host);
  const exported = join(tmpdir(), `export-${randomBytes(6).toString('hex')}`);
  cleanUps.push(() => rm(exported));
  await outputOf({
    command: '/bin/sh',
    args: ['-c', 'nix-store --export "$0" > "$1"', builtPath, exported],
    env: host.env,
    deadlineMs: 9_000,
  });
  const asked: string[] = [];
  let sentTotal = 0;

  await carrier.push(
    { drvPaths: [top] },
    {
      progress: ({ pathsTotal }) => {
        sentTotal = pathsTotal;
      },
      async substitute(paths) {
        asked.push(...paths);
        await far.run('/bin/sh', '-c', 'nix-store --import < "$0"', exported);
      },
    },
  );

  expect(asked).toEqual([builtPath]);
  // The derivations of top, inner and built, and the source.
  expect(sentTotal).toBe(4);
});

test('derivations are sent while the builder fetches what its caches have', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const { top, builtPath } = await chain(host);

  await carrier.push(
    { drvPaths: [top] },
    { ...QUIET, substitute: () => until(async () => await far.isValid(top)) },
  );

  expect(await far.isValid(builtPath)).toBe(true);
});

test('a fetch that fails ends what is sent meanwhile, and the next push starts anew', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const drvs = await instantiate(
    host,
    `built = build "built" "echo > $out" {};
     a = derivation { name = "a"; system = "x86_64-linux"; builder = "/bin/sh"; inherit built; src = builtins.toFile "src" (builtins.concatStringsSep "" (builtins.genList (n: "0123456789abcdef") 2000000)); };`,
  );
  await realise(host, drvs['built'] ?? '');
  const push = { drvPaths: [drvs['a'] as DerivationPath] };

  const failing = carrier.push(push, {
    ...QUIET,
    substitute: () => Promise.reject(new Error('the cache burnt down')),
  });

  await expect(failing).rejects.toThrow('the cache burnt down');
  const { bytes } = await carrier.push(push, QUIET);
  expect(bytes).toBeGreaterThan(32_000_000);
});

test('what an output refers to and this host lost comes from its own caches, with their signatures', async () => {
  const far = await farStore(host);
  const dir = await mkdtemp(join(tmpdir(), 'own-cache-'));
  cleanUps.push(() => rm(dir, { recursive: true }));
  const store = (...args: readonly string[]): Promise<string> =>
    outputOf({ command: 'nix-store', args, env: host.env, deadlineMs: 60_000 });
  await store('--generate-binary-cache-key', 'own-1', `${dir}/secret`, `${dir}/public`);
  const { top, builtPath } = await chain(host);
  await outputOf({
    command: 'nix',
    args: ['copy', '--to', `file://${dir}/cache?secret-key=${dir}/secret`, builtPath],
    env: host.env,
    deadlineMs: 30_000,
  });
  const withCache = (more: string): RealNix => ({
    ...host,
    env: {
      ...host.env,
      NIX_CONFIG: `${host.env['NIX_CONFIG']}\nsubstituters = file://${dir}/cache\n${more}`,
    },
  });
  const outputs = await outputsOf(host, top);
  const first = carrierTo(far);
  const { covered } = await first.push({ drvPaths: [top] }, QUIET);
  await far.run('nix-store', '--realise', top);
  first.close();
  await until(async () => (await store('--delete', builtPath).catch(() => '')) !== '');

  const untrusted = carrierTo(far, withCache('')).pull({ drvPath: top, outputs, covered }, QUIET);
  await expect(untrusted).rejects.toMatchObject({ code: 'closure.incomplete' });
  expect(await isValidHere(host, outputs[0] ?? '')).toBe(false);
  const key = await readFile(`${dir}/public`, 'utf8');
  await carrierTo(far, withCache(`trusted-public-keys = ${key}`)).pull(
    { drvPath: top, outputs, covered },
    QUIET,
  );

  expect([await isValidHere(host, outputs[0] ?? ''), await isValidHere(host, builtPath)]).toEqual([
    true,
    true,
  ]);
});

test('a derivation whose outputs have no path before the build is refused with a sentence', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const floating = {
    ...host,
    env: { ...host.env, NIX_CONFIG: `${host.env['NIX_CONFIG']}\nexperimental-features = ca-derivations` },
  };
  const { a } = await instantiate(
    floating,
    `a = build "a" "" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };`,
  );

  const pushing = carrier.push({ drvPaths: [a as DerivationPath] }, QUIET);

  await expect(pushing).rejects.toMatchObject({ code: 'closure.unsupported' });
  await expect(pushing).rejects.toThrow('known only after the build');
});

test.each([
  ['to builder', 'cut', 4],
  ['to builder', 'cut', 700],
  ['to builder', 'cut', 3_000_000],
  ['from builder', 'cut', 0],
  ['from builder', 'cut', 12],
  ['from builder', 'cut', 30],
  ['to builder', 'stall', 700],
  ['to builder', 'stall', 3_000_000],
  ['from builder', 'stall', 0],
  ['from builder', 'stall', 30],
] as const)(
  'a channel %s with a %s after %d bytes fails the push and leaves no process',
  async (direction, kind, afterBytes) => {
    const far = await farStore(host);
    const carrier = carrierTo(far, host, {
      stallMs: 700,
      openRemote: async () => withFault(await far.openRemote(), { direction, kind, afterBytes }),
    });
    const drvs = await instantiate(
      host,
      `big = build "big" "head -c 8000000 /dev/urandom > $out" {}; a = build "a" "" { inherit big; };`,
    );
    await realise(host, drvs['big'] ?? '');

    const pushing = carrier.push({ drvPaths: [drvs['a'] as DerivationPath] }, QUIET);

    await expect(pushing).rejects.toMatchObject({
      code: kind === 'cut' ? 'closure.broken' : 'closure.stalled',
    });
    carrier.close();
    await until(() => far.living() === 0);
    const [bigPath = ''] = await outputsOf(host, drvs['big'] ?? '');
    expect(direction === 'to builder' && (await far.isValid(bigPath))).toBe(false);
  },
);

test.each([
  ['cut', 40],
  ['cut', 600],
  ['cut', 4_000_000],
  ['stall', 600],
  ['stall', 4_000_000],
] as const)(
  'a channel from the builder with a %s after %d bytes fails the pull and stores nothing',
  async (kind, afterBytes) => {
    const far = await farStore(host);
    const good = carrierTo(far);
    const drvs = await instantiate(host, `big = build "big" "head -c 8000000 /dev/urandom > $out" {};`);
    const drvPath = drvs['big'] as DerivationPath;
    const outputs = await outputsOf(host, drvPath);
    const { covered } = await good.push({ drvPaths: [drvPath] }, QUIET);
    await far.run('nix-store', '--realise', drvPath);
    const bad = carrierTo(far, host, {
      stallMs: 700,
      openRemote: async () =>
        withFault(await far.openRemote(), { direction: 'from builder', kind, afterBytes }),
    });

    const pulling = bad.pull({ drvPath, outputs, covered }, QUIET);

    await expect(pulling).rejects.toMatchObject({
      code: kind === 'cut' ? 'closure.broken' : 'closure.stalled',
    });
    expect(await isValidHere(host, outputs[0] ?? '')).toBe(false);
    // The next one, on a good connection, is not in its way.
    await good.pull({ drvPath, outputs, covered }, QUIET);
    expect(await isValidHere(host, outputs[0] ?? '')).toBe(true);
  },
);

test('a signal ends a push at once, and does not take from another push what is held for it', async () => {
  const far = await farStore(host);
  const carrier = carrierTo(far);
  const drvs = await instantiate(
    host,
    `large = build "large" "head -c 300000000 /dev/zero > $out" {}; a = build "a" "" { inherit large; }; b = build "b" "" {};`,
  );
  await realise(host, drvs['large'] ?? '');
  const kept = await carrier.push({ drvPaths: [drvs['b'] as DerivationPath] }, QUIET);
  const ending = new AbortController();

  const pushing = carrier.push(
    { drvPaths: [drvs['a'] as DerivationPath] },
    { progress: () => ending.abort(new Error('cancelled by a test')) },
    ending.signal,
  );

  await expect(pushing).rejects.toThrow('cancelled by a test');
  await far.run('nix-store', '--gc');
  expect(await far.isValid(drvs['b'] ?? '')).toBe(true);
  kept.release();
  const again: PushResult = await carrier.push({ drvPaths: [drvs['a'] as DerivationPath] }, QUIET);
  expect(again.bytes).toBeGreaterThan(300_000_000);
});
