import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOpenSsh } from './closures/openssh.ts';
import {
  createPrivateHost,
  derivationText,
  nixesToMeasure,
  type PrivateHost,
  removeStore,
} from './closures/private-host.ts';
import { type Carried, openSshPair, type SshPair } from './closures/ssh-pair.ts';
import { type Bench, compare, elapsedMs, type Figure, toFigure } from './figure.ts';

const BYTES = 1024 ** 3;
// Nix 2.26 copies faster than 2.8, and its nix-store --serve is the same.
const MOST: Readonly<Record<string, number>> = { '2.8': 1.25, '2.26': 1.6 };
const MAX_MEMORY_MB = 250;

export const bench: Bench = {
  about:
    'one path of 1 GiB (random bytes) to a builder over SSH on loopback, and back, against `nix copy` to another local store; two Node processes, a fresh store for every run; and what the same costs by `nix copy --to ssh://` through OpenSSH with AES-GCM',
  async *run(): AsyncGenerator<Figure> {
    for (const { title, pathPrefix } of nixesToMeasure()) {
      const dir = await mkdtemp(join(tmpdir(), 'transfer-large-'));
      try {
        yield* measure(title, dir, (name) => createPrivateHost(join(dir, name), pathPrefix));
      } finally {
        removeStore(dir);
      }
    }
  },
};

async function* measure(
  title: string,
  dir: string,
  host: (name: string) => Promise<PrivateHost>,
): AsyncGenerator<Figure> {
  const full = await host('full');
  const { large, user, output } = await prepare(full);
  let turn = 0;
  const memory: number[] = [];
  async function ours(work: (empty: PrivateHost) => Promise<Carried>): Promise<number> {
    const name = `empty-${turn++}`;
    const empty = await host(name);
    const { ms, bytes, maxRssBytes } = await work(empty);
    removeStore(join(dir, name));
    if (bytes < BYTES) {
      throw new Error(`expected ${BYTES} bytes to be carried, got ${bytes}`);
    }
    memory.push(maxRssBytes / 1024 / 1024);
    return ms;
  }
  async function copy(): Promise<number> {
    const name = `copy-${turn++}`;
    const ms = await elapsedMs(() =>
      full.run('nix', 'copy', '--no-check-sigs', '--to', `local?root=${join(dir, name)}`, output),
    );
    removeStore(join(dir, name));
    return ms;
  }
  const out = await compare(() => ours((empty) => withPair(full, empty, (pair) => pair.push(user))), copy);
  const back = await compare(
    () =>
      ours(async (empty) => {
        await instantiate(empty);
        return await withPair(empty, full, (pair) => pair.pull(large, [output]));
      }),
    copy,
  );
  for (const [name, { ours: took, theirs, ratios }] of Object.entries({ out, back })) {
    const key = `transfer-large.${name}.nix-${title}`;
    yield toFigure({ name: key, unit: '× nix copy', samples: ratios, atMost: MOST[title] ?? 1 });
    yield toFigure({ name: `${key}.ours`, unit: 'ms', samples: took });
    yield toFigure({ name: `${key}.nix-copy`, unit: 'ms', samples: theirs });
  }
  const ssh = await startOpenSsh(join(dir, 'ssh'), 'aes128-gcm@openssh.com');
  try {
    const byOpenSsh = await compare(async () => {
      const name = `ssh-${turn++}`;
      await ssh.leadTo(await host(name));
      const ms = await elapsedMs(() =>
        full.run(
          'env',
          `NIX_SSHOPTS=${ssh.clientOptions}`,
          ...['nix', 'copy', '--no-check-sigs', '--to', ssh.uri, output],
        ),
      );
      removeStore(join(dir, name));
      return ms;
    }, copy);
    const name = `transfer-large.openssh.nix-${title}`;
    yield toFigure({ name, unit: '× nix copy', samples: byOpenSsh.ratios });
  } finally {
    await ssh.close();
  }
  yield toFigure({
    name: `transfer-large.memory.nix-${title}`,
    unit: 'MB',
    samples: memory,
    statistic: 'max',
    atMost: MAX_MEMORY_MB,
  });
}

async function withPair(
  coordinator: PrivateHost,
  builder: PrivateHost,
  work: (pair: SshPair) => Promise<Carried>,
): Promise<Carried> {
  const pair = await openSshPair(coordinator, builder);
  try {
    return await work(pair);
  } finally {
    await pair.close();
  }
}

interface Prepared {
  readonly large: string;
  readonly user: string;
  readonly output: string;
}

async function prepare(host: PrivateHost): Promise<Prepared> {
  const { large, user } = await instantiate(host);
  return { large, user, output: await host.run('nix-store', '--realise', large) };
}

/** A derivation that makes the large path, and one that needs it. */
async function instantiate(host: PrivateHost): Promise<{ readonly large: string; readonly user: string }> {
  const said = await host.run(
    'nix-instantiate',
    '--expr',
    `let large = ${derivationText('large', `args = [ "-c" "head -c ${BYTES} /dev/urandom > $out" ];`)};
     in { inherit large; user = ${derivationText('user', 'inherit large; args = [ "-c" "true" ];')}; }`,
  );
  const [large = '', user = ''] = said.split('\n');
  return { large, user };
}
