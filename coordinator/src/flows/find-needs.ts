import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';

const READS_AT_A_TIME = 64;

// Some 100 MB. Real closures stay far below; one that is made up could name every step again in every derivation.
const MOST_NAMED = 2_000_000;

/**
 * For each derivation of `steps`, the other steps it needs, seen through whatever lies between them; a step behind a
 * step is not named. Each derivation file is read once. Of a closure that would name too many, some needs are left out:
 * Nix then builds them inside what needs them.
 */
export async function findNeeds(
  steps: ReadonlySet<DerivationPath>,
  store: Pick<DerivationReader, 'inputDerivations'>,
  mostNamed = MOST_NAMED,
): Promise<ReadonlyMap<DerivationPath, readonly DerivationPath[]>> {
  if (steps.size < 2) {
    return new Map([...steps].map((drvPath) => [drvPath, []]));
  }
  const inputs = await readClosure(steps, store);
  const needs = new Map<DerivationPath, ReadonlySet<DerivationPath>>();
  const room = { left: mostNamed };
  for (const drvPath of steps) {
    nearestSteps(drvPath, steps, inputs, needs, room);
  }
  return new Map([...steps].map((drvPath) => [drvPath, [...(needs.get(drvPath) ?? [])]]));
}

async function readClosure(
  steps: ReadonlySet<DerivationPath>,
  store: Pick<DerivationReader, 'inputDerivations'>,
): Promise<ReadonlyMap<DerivationPath, readonly DerivationPath[]>> {
  const inputs = new Map<DerivationPath, readonly DerivationPath[]>();
  const known = new Set<DerivationPath>(steps);
  for (let open = [...steps]; open.length > 0; ) {
    const some = open.splice(-READS_AT_A_TIME);
    const read = await Promise.all(some.map((drvPath) => store.inputDerivations(drvPath)));
    for (const [index, found] of read.entries()) {
      const drvPath = some[index];
      if (drvPath !== undefined) {
        inputs.set(drvPath, found);
      }
      for (const input of found) {
        if (!known.has(input)) {
          known.add(input);
          open.push(input);
        }
      }
    }
  }
  return inputs;
}

/** Depth first without recursion: closures of real packages are deeper than a call stack. */
function nearestSteps(
  start: DerivationPath,
  steps: ReadonlySet<DerivationPath>,
  inputs: ReadonlyMap<DerivationPath, readonly DerivationPath[]>,
  memo: Map<DerivationPath, ReadonlySet<DerivationPath>>,
  room: { left: number },
): void {
  const stack = [start];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const own = inputs.get(top) ?? [];
    const unknown = memo.has(top) ? [] : own.filter((input) => !steps.has(input) && !memo.has(input));
    if (unknown.length > 0) {
      stack.push(...unknown);
      continue;
    }
    stack.pop();
    if (!memo.has(top)) {
      memo.set(top, gather(own, steps, memo, room));
    }
  }
}

function gather(
  inputs: readonly DerivationPath[],
  steps: ReadonlySet<DerivationPath>,
  memo: ReadonlyMap<DerivationPath, ReadonlySet<DerivationPath>>,
  room: { left: number },
): ReadonlySet<DerivationPath> {
  const found = new Set<DerivationPath>();
  for (const input of inputs) {
    for (const step of steps.has(input) ? [input] : (memo.get(input) ?? [])) {
      if (room.left === 0) {
        return found;
      }
      room.left -= found.has(step) ? 0 : 1;
      found.add(step);
    }
  }
  return found;
}
