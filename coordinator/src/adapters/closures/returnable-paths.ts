/**
 * What a builder may give back for a derivation it was leased: its outputs, and of inner derivations those outputs that
 * the lease covers. An inner derivation can have another output too, that was valid here when the lease was made: that
 * one is ours, and if it is gone by now, it comes from our own caches or not at all.
 */
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { findWantedPaths, type WantedOptions, type WantedPaths } from './wanted-paths.ts';

export interface ReturnableOptions extends Pick<WantedOptions, 'derivations' | 'validPaths'> {
  readonly drvPath: DerivationPath;
  readonly covered: readonly string[];
}

/** With `outputs` only those that may be taken. */
export async function findReturnablePaths(options: ReturnableOptions): Promise<WantedPaths> {
  const { drvPath, derivations, validPaths } = options;
  const covered = new Set(options.covered);
  const wanted = await findWantedPaths({
    drvPaths: [drvPath],
    derivations,
    validPaths,
    mayBuild: (path) => covered.has(path),
  });
  const missing = new Set(wanted.covered);
  const outputs = new Map(wanted.outputs);
  const heads = [...wanted.heads];
  const lost = [...wanted.lost];
  for (const [path, output] of wanted.outputs) {
    if (output.drvPath !== drvPath && !covered.has(path)) {
      outputs.delete(path);
      (missing.has(path) ? lost : heads).push(path);
    }
  }
  return { ...wanted, outputs, heads, lost };
}
