import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenSsh, startOpenSsh } from './closures/openssh.ts';
import {
  createPrivateHost,
  derivationText,
  nixesToMeasure,
  type PrivateHost,
  removeStore,
} from './closures/private-host.ts';
import { openSshPair } from './closures/ssh-pair.ts';
import { type Bench, compare, elapsedMs, type Figure, toFigure } from './figure.ts';

const INPUTS = 8_000;

export const bench: Bench = {
  about: `a derivation with ${INPUTS} input derivations to a builder over SSH on loopback, against \`nix copy --to ssh://\` of the same through OpenSSH; then again, when all is there`,
  async *run(): AsyncGenerator<Figure> {
    const dir = await mkdtemp(join(tmpdir(), 'transfer-small-'));
    const ssh = await startOpenSsh(join(dir, 'ssh'));
    try {
      for (const { title, pathPrefix } of nixesToMeasure()) {
        const within = join(dir, title);
        yield* measure(title, within, ssh, (name) => createPrivateHost(join(within, name), pathPrefix));
      }
    } finally {
      await ssh.close();
      // Not before: for half a minute after the removal of many files, ext4 takes three times as long to make new ones.
      removeStore(dir);
    }
  },
};

async function* measure(
  title: string,
  dir: string,
  ssh: OpenSsh,
  host: (name: string) => Promise<PrivateHost>,
): AsyncGenerator<Figure> {
  const full = await host('full');
  const drvPath = await instantiate(full, dir);
  let turn = 0;
  const again: number[] = [];
  async function ours(): Promise<number> {
    const empty = await host(`empty-${turn++}`);
    const pair = await openSshPair(full, empty);
    const first = await pair.push(drvPath);
    const second = await pair.push(drvPath);
    await pair.close();
    if (first.bytes === 0 || second.bytes !== 0) {
      throw new Error(`expected all to be sent, and then nothing, got ${first.bytes} and ${second.bytes}`);
    }
    again.push(second.ms);
    return first.ms;
  }
  async function copy(): Promise<number> {
    await ssh.leadTo(await host(`copy-${turn++}`));
    return await elapsedMs(() =>
      full.run(
        'env',
        `NIX_SSHOPTS=${ssh.clientOptions}`,
        ...['nix', 'copy', '--no-check-sigs', '--derivation', '--to', ssh.uri, drvPath],
      ),
    );
  }
  const { ours: took, theirs, ratios } = await compare(ours, copy);
  const key = `transfer-small.nix-${title}`;
  yield toFigure({ name: key, unit: '× nix copy', samples: ratios, atMost: 0.5 });
  yield toFigure({ name: `${key}.ours`, unit: 'ms', samples: took });
  yield toFigure({ name: `${key}.nix-copy`, unit: 'ms', samples: theirs });
  yield toFigure({ name: `${key}.again`, unit: 'ms', samples: again, atMost: 500 });
}

async function instantiate(host: PrivateHost, dir: string): Promise<string> {
  const file = join(dir, 'inputs.nix');
  const inputs = derivationText('input-${toString n}', 'args = [ "-c" "echo ${toString n} > $out" ];');
  await writeFile(
    file,
    `let inputs = builtins.genList (n: ${inputs}) ${INPUTS}; in ${derivationText('top', 'inherit inputs; args = [ "-c" "true" ];')}`,
  );
  return await host.run('nix-instantiate', file);
}
