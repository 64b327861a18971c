import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { BuildHistory } from '../../src/ports/build-history.ts';
import type { BuildPlan } from '../../src/ports/build-plan.ts';
import type { FakeStore } from './fake-store.ts';

/** Everything that is needed and not built would be built, as the fake store knows it. */
export function createFakePlan(store: Pick<FakeStore, 'inputs'>): BuildPlan {
  return {
    plan: (drvPaths) => {
      const toBuild = new Set<DerivationPath>();
      const open = [...drvPaths];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (!toBuild.has(next)) {
          toBuild.add(next);
          open.push(...(store.inputs.get(next) ?? []));
        }
      }
      return Promise.resolve({ kind: 'known', toBuild, toFetch: new Set<string>() });
    },
  };
}

export const noHistory: BuildHistory = {
  expectedMs: () => new Map(),
  averageMs: () => undefined,
  record: () => Promise.resolve(),
  prune: () => Promise.resolve(0),
};
