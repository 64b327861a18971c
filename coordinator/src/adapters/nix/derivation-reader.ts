/** The derivations that a derivation needs, read from its file: no process, and each file once while it is remembered. */
import { readFile } from 'node:fs/promises';
import { type DerivationPath, parseDerivationPath } from '@argunix/shared/domain/store-path';
import { parseDerivation } from '@argunix/shared/nix/derivation';

export interface DerivationReader {
  /** Empty for one that is gone or is no derivation. Callers may be concurrent. */
  inputDerivations(drvPath: DerivationPath): Promise<readonly DerivationPath[]>;
}

// About 300 bytes each, and the closure of a NixOS system is some 20,000.
const MAX_REMEMBERED = 50_000;

export function createDerivationReader(): DerivationReader {
  const remembered = new Map<DerivationPath, Promise<readonly DerivationPath[]>>();
  return {
    inputDerivations(drvPath) {
      const known = remembered.get(drvPath);
      if (known !== undefined) {
        return known;
      }
      const [oldest] = remembered.keys();
      if (oldest !== undefined && remembered.size >= MAX_REMEMBERED) {
        remembered.delete(oldest);
      }
      const inputs = readInputs(drvPath);
      remembered.set(drvPath, inputs);
      // A store path never changes, but what is gone may come back.
      void inputs.then(({ length }) => length === 0 && remembered.delete(drvPath));
      return inputs;
    },
  };
}

async function readInputs(drvPath: DerivationPath): Promise<readonly DerivationPath[]> {
  const text = await readFile(drvPath, 'utf8').catch(() => '');
  const derivation = parseDerivation(text);
  return derivation.kind === 'refused'
    ? []
    : derivation.inputDrvs.flatMap((input) => parseDerivationPath(input.drvPath) ?? []);
}
