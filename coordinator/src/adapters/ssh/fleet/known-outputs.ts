import { type DerivationPath, parseStorePath } from '@argunix/shared/domain/store-path';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';

const MOST_OUTPUTS = 1_000;

/** Those of a derivation whose paths are known before it is built. */
export async function knownOutputs(
  derivations: DerivationReader,
  drvPath: DerivationPath,
): Promise<readonly string[]> {
  const outputs = Object.values((await derivations.details(drvPath))?.outputs ?? {});
  return outputs
    .filter((path) => path !== null)
    .filter((path) => parseStorePath(path) !== undefined)
    .slice(0, MOST_OUTPUTS);
}
