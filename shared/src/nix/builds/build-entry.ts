/** One request of a batch, with those of the others that it names as its inputs. */
import type { BuildEnding } from '../../domain/build-ending.ts';
import type { BuildRequest } from '../../domain/build-request.ts';
import type { LeaseId } from '../../domain/ids.ts';
import { type DerivationPath, storePathName } from '../../domain/store-path.ts';
import type { DerivationReader } from '../derivation-reader.ts';
import { mapBounded } from '../map-bounded.ts';

export interface Entry {
  readonly leaseId: LeaseId;
  readonly drvPath: DerivationPath;
  needs: readonly Entry[];
  isAlone: boolean;
  hasStarted: boolean;
  isCancelled: boolean;
  ending: BuildEnding | undefined;
}

export function toEntry({ leaseId, drvPath }: BuildRequest): Entry {
  return {
    leaseId,
    drvPath,
    needs: [],
    isAlone: false,
    hasStarted: false,
    isCancelled: false,
    ending: undefined,
  };
}

/** Who names whom. An unnamed way from one to another costs a second build of a failure, and no wrong ending. */
export async function linkNeeds(entries: readonly Entry[], derivations: DerivationReader): Promise<void> {
  const byPath = new Map<DerivationPath, Entry>();
  for (const entry of entries) {
    const twin = byPath.get(entry.drvPath);
    if (twin === undefined) {
      byPath.set(entry.drvPath, entry);
    } else {
      entry.needs = [twin];
    }
  }
  const firsts = byPath.size > 1 ? [...byPath.values()] : [];
  await mapBounded(firsts, async (entry) => {
    const inputs = await derivations.inputDerivations(entry.drvPath);
    entry.needs = inputs.flatMap((input) => byPath.get(input) ?? []);
  });
}

/** What follows for one that waits when something it needs has ended; undefined while it may still be built. */
export function inheritedEnding(entry: Entry): BuildEnding | undefined {
  for (const { drvPath, ending } of entry.needs) {
    if (ending?.kind === 'returned') {
      // Somebody else may be given it: this one would build it a second time.
      return ending;
    }
    if (ending !== undefined && 'reason' in ending) {
      const isItself = drvPath === entry.drvPath;
      return isItself || ending.kind === 'infrastructure' || ending.kind === 'dependency_failed'
        ? ending
        : { kind: 'dependency_failed', reason: `${storePathName(drvPath)}: ${ending.reason}`, drvPath };
    }
  }
  return undefined;
}
