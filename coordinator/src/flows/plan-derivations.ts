/**
 * What of some jobs is not there yet, as the scheduler wants to know it: which derivations would really be built, what
 * each needs of the others, and how long it took before. When Nix does not say what would be built, the jobs' own
 * derivations are all that is known: what lies between them is built inside them.
 */
import { type DerivationPath, storePathName } from '@argunix/shared/domain/store-path';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { DerivationDetails, DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { PlannedDerivation } from '../domain/queue/step.ts';
import type { BuildHistory } from '../ports/build-history.ts';
import type { BuildPlan } from '../ports/build-plan.ts';
import { findNeeds } from './find-needs.ts';
import { inTurns } from './in-turns.ts';

export interface PlanPorts {
  readonly buildPlan: BuildPlan;
  readonly derivations: DerivationReader;
  readonly history: BuildHistory;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Needs come before what needs them. */
export type Plan = readonly PlannedDerivation[];

const READS_AT_A_TIME = 64;
// What is remembered comes without waiting for anything: somebody else gets a turn after so many.
const READS_IN_A_TURN = 1_024;
// Some 5 ms.
const MEASURED_IN_A_TURN = 2_000;
// Without any history every step counts the same, so that the way with the most steps is the longest.
const ONE_STEP_MS = 1;
// A nixpkgs that nobody has a cache of is half of this; a store that says more is not worth the memory.
const MOST_PLANNED = 200_000;
const NO_FEATURES: readonly string[] = [];

export async function planDerivations(
  ports: PlanPorts,
  drvPaths: ReadonlySet<DerivationPath>,
  signal: AbortSignal,
): Promise<Plan> {
  const plan = await ports.buildPlan.plan([...drvPaths], signal);
  if (plan.kind === 'unknown') {
    ports.log.warn({ reason: plan.reason }, 'Nix did not say what would be built; jobs are built whole');
  }
  const toBuild = plan.kind === 'known' && plan.toBuild.size <= MOST_PLANNED ? plan.toBuild : undefined;
  const found =
    toBuild === undefined ? await jobsOnly(ports, drvPaths) : await closure(ports, drvPaths, toBuild);
  const usualMs = ports.history.averageMs() ?? ONE_STEP_MS;
  const planned: PlannedDerivation[] = [];
  await inTurns([...found.values()], MEASURED_IN_A_TURN, ports.clock, (piece) => {
    const names = piece.map(({ drvPath }) => storePathName(drvPath));
    const known = ports.history.expectedMs([...new Set(names)]);
    for (const [index, one] of piece.entries()) {
      planned.push({ ...one, expectedMs: known.get(names[index] ?? '') ?? usualMs });
    }
  });
  return planned;
}

type Unmeasured = Omit<PlannedDerivation, 'expectedMs'>;
type Found = ReadonlyMap<DerivationPath, Unmeasured>;

/** What would be built, from the jobs down. What is there or in a cache can be had anywhere. */
async function closure(
  { derivations, clock }: PlanPorts,
  drvPaths: ReadonlySet<DerivationPath>,
  toBuild: ReadonlySet<DerivationPath>,
): Promise<Found> {
  const details = new Map<DerivationPath, DerivationDetails | undefined>();
  const known = new Set(drvPaths);
  for (let open = [...drvPaths], turn = 0; open.length > 0; turn += READS_AT_A_TIME) {
    if (turn % READS_IN_A_TURN === 0) {
      await clock.sleep(0);
    }
    const some = open.splice(-READS_AT_A_TIME);
    const read = await Promise.all(
      some.map(async (drvPath) => (toBuild.has(drvPath) ? await derivations.details(drvPath) : undefined)),
    );
    for (const [index, drvPath] of some.entries()) {
      details.set(drvPath, read[index]);
      for (const input of read[index]?.inputDerivations ?? []) {
        if (toBuild.has(input) && !known.has(input)) {
          known.add(input);
          open.push(input);
        }
      }
    }
  }
  return inOrder(drvPaths, details);
}

/** Needs first, without recursion: closures of real packages are deeper than a call stack. */
function inOrder(
  roots: ReadonlySet<DerivationPath>,
  details: ReadonlyMap<DerivationPath, DerivationDetails | undefined>,
): Found {
  const found = new Map<DerivationPath, Unmeasured>();
  const seen = new Set<DerivationPath>();
  for (const root of roots) {
    const stack = [{ drvPath: root, at: 0 }];
    seen.add(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const inputs = details.get(top.drvPath)?.inputDerivations ?? [];
      const next = inputs[top.at];
      top.at += 1;
      if (next === undefined) {
        stack.pop();
        found.set(top.drvPath, toPlanned(top.drvPath, details));
      } else if (details.has(next) && !seen.has(next)) {
        seen.add(next);
        stack.push({ drvPath: next, at: 0 });
      }
    }
  }
  return found;
}

function toPlanned(
  drvPath: DerivationPath,
  details: ReadonlyMap<DerivationPath, DerivationDetails | undefined>,
): Unmeasured {
  const own = details.get(drvPath);
  return own === undefined
    ? { drvPath, system: 'builtin', requiredFeatures: NO_FEATURES, inputs: [] }
    : {
        drvPath,
        system: own.system,
        requiredFeatures: own.requiredFeatures,
        inputs: own.inputDerivations.filter((input) => details.has(input)),
      };
}

async function jobsOnly({ derivations }: PlanPorts, drvPaths: ReadonlySet<DerivationPath>): Promise<Found> {
  const needs = await findNeeds(drvPaths, derivations);
  const details = new Map<DerivationPath, DerivationDetails | undefined>();
  for (let open = [...drvPaths]; open.length > 0; ) {
    const some = open.splice(-READS_AT_A_TIME);
    const read = await Promise.all(some.map((drvPath) => derivations.details(drvPath)));
    for (const [index, drvPath] of some.entries()) {
      const own = read[index];
      details.set(drvPath, own && { ...own, inputDerivations: needs.get(drvPath) ?? [] });
    }
  }
  return inOrder(drvPaths, details);
}
