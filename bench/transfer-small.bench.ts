import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  about: `a derivation with ${INPUTS} input derivations to a builder over SSH on loopback, against \`nix copy --to ssh://\` of the same with a program in the place of OpenSSH that only starts nix-store (no cipher, no login: what it is compared to is faster than the real one); then again, when all is there`,
  async *run(): AsyncGenerator<Figure> {
    for (const { title, pathPrefix } of nixesToMeasure()) {
      const dir = await mkdtemp(join(tmpdir(), 'transfer-small-'));
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
  const drvPath = await instantiate(full, dir);
  let turn = 0;
  const again: number[] = [];
  async function ours(): Promise<number> {
    const name = `empty-${turn++}`;
    const empty = await host(name);
    const pair = await openSshPair(full, empty);
    const first = await pair.push(drvPath);
    const second = await pair.push(drvPath);
    await pair.close();
    removeStore(join(dir, name));
    if (first.bytes === 0 || second.bytes !== 0) {
      throw new Error(`expected all to be sent, and then nothing, got ${first.bytes} and ${second.bytes}`);
    }
    again.push(second.ms);
    return first.ms;
  }
  async function copy(): Promise<number> {
    const name = `copy-${turn++}`;
    const empty = await host(name);
    const bin = await insteadOfSsh(join(dir, `${name}-bin`), empty);
    const ms = await elapsedMs(() =>
      full.run(
        'env',
        `PATH=${bin}:${full.env['PATH']}`,
        ...['nix', 'copy', '--no-check-sigs', '--derivation', '--to', 'ssh://builder', drvPath],
      ),
    );
    removeStore(join(dir, name));
    return ms;
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

/** A directory with an `ssh` that runs what it is told to on the other host, as the one who is logged in there. */
async function insteadOfSsh(dir: string, host: PrivateHost): Promise<string> {
  await mkdir(dir);
  const program = join(dir, 'ssh');
  await writeFile(
    program,
    `#!/bin/sh
# Newer ones also ask whether there is a master connection.
case "$*" in
  *nix-store*) exec unshare -m -- /bin/sh -c 'mount --bind "$0" /nix && exec nix-store --serve --write' ${host.nixDir} ;;
  *) echo started ;;
esac
`,
  );
  await chmod(program, 0o755);
  return dir;
}
