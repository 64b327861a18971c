/** The versions of Nix that a test runs on, and derivations nobody has built before. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DerivationPath, parseDerivationPath } from '../../domain/store-path.ts';
import { outputOf } from '../../kit/run-process.ts';

export interface RealNix {
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  readonly isMissing: boolean;
}

const TOOLS = join(import.meta.dirname, '../../../../.tools');

/** The machine's own Nix, and a newer one beside it: ARGUNIX_TEST_NIX names its bin directory, else .tools has it. */
export function installedNixes(config = ''): readonly RealNix[] {
  const newer = process.env['ARGUNIX_TEST_NIX'] ?? join(TOOLS, 'nix-2.26/bin');
  const path = process.env['PATH'] ?? '';
  const isMissing = !existsSync(join(newer, 'nix'));
  return [
    { title: 'the host’s Nix', env: nixEnvironment(path, config), isMissing: false },
    {
      title: isMissing ? `Nix 2.26 (not here: ${reasonFor(newer)})` : 'Nix 2.26',
      env: nixEnvironment(`${newer}:${path}`, config),
      isMissing,
    },
  ];
}

export function nixEnvironment(path: string, config: string): Readonly<Record<string, string>> {
  return {
    PATH: path,
    HOME: '/var/empty',
    NIX_CONFIG: `substituters =\nexperimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false\n${config}`,
  };
}

function reasonFor(newer: string): string {
  const said = join(TOOLS, 'nix-2.26.missing');
  return existsSync(said) ? readFileSync(said, 'utf8').trim() : `there is none in ${newer}`;
}

export interface TestDerivations {
  readonly [name: string]: DerivationPath;
}

/**
 * Instantiates an attribute set of derivations. `build name script more` makes one that bash runs; `unique` is a word
 * that no other run has.
 */
export async function instantiate(nix: RealNix, attributes: string): Promise<TestDerivations> {
  const unique = randomBytes(8).toString('hex');
  const expression = `
    let
      unique = "${unique}";
      build = name: script: more: derivation ({
        inherit name unique; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" script ];
        PATH = "/usr/bin:/bin";
      } // more);
    in builtins.mapAttrs (name: value: value.drvPath) (rec { ${attributes} })`;
  const json: unknown = JSON.parse(
    await outputOf({
      command: 'nix-instantiate',
      args: ['--eval', '--read-write-mode', '--strict', '--json', '--expr', expression],
      env: nix.env,
      deadlineMs: 30_000,
    }),
  );
  return Object.fromEntries(
    Object.entries(json ?? {}).flatMap(([name, path]) => {
      const drvPath = parseDerivationPath(String(path));
      return drvPath === undefined ? [] : [[name, drvPath]];
    }),
  );
}
