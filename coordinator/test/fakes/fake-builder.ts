import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildObserver, BuildRequest } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import { type DerivationPath, storePathName } from '@argunix/shared/domain/store-path';
import type { Builder } from '../../src/ports/builder.ts';

interface OpenBuild {
  readonly leaseId: LeaseId;
  readonly name: string;
  finish(ending: BuildEnding): void;
}

/** A builder whose builds end when the test says so, by the name of their derivation. */
export interface FakeBuilder extends Builder {
  /** Names of what it was given and has not ended, in order. */
  open(): readonly string[];
  /** Every name it was ever given, in order. */
  readonly given: readonly string[];
  start(name: string): void;
  finish(name: string, ending?: BuildEnding): void;
}

export function createFakeBuilder(slots: number): FakeBuilder {
  const builds: OpenBuild[] = [];
  const given: string[] = [];
  const observers = new Map<LeaseId, BuildObserver>();

  function run({ leaseId, drvPath }: BuildRequest, observer: BuildObserver, all: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const build: OpenBuild = {
        leaseId,
        name: nameOf(drvPath),
        finish: (ending) => {
          if (builds.includes(build)) {
            builds.splice(builds.indexOf(build), 1);
            observer.ended(leaseId, ending);
            resolve();
          }
        },
      };
      given.push(build.name);
      builds.push(build);
      observers.set(leaseId, observer);
      all.addEventListener('abort', () => build.finish({ kind: 'cancelled' }), { once: true });
      if (all.aborted) {
        build.finish({ kind: 'cancelled' });
      }
    });
  }
  function find(name: string): OpenBuild {
    const build = builds.find((open) => open.name === name);
    if (build === undefined) {
      throw new Error(`${name} is not being built; these are: ${builds.map((open) => open.name).join(', ')}`);
    }
    return build;
  }
  return {
    name: 'fake',
    offer: {
      systems: ['x86_64-linux'],
      emulatedSystems: [],
      features: [],
      mandatoryFeatures: [],
      isSandboxed: true,
      slots,
      speedFactor: 1,
    },
    nixVersion: '2.8.0',
    given,
    open: () => builds.map(({ name }) => name),
    start: (name) => observers.get(find(name).leaseId)?.started(find(name).leaseId),
    finish: (name, ending = { kind: 'built' }) => find(name).finish(ending),
    cancel: (leaseId) => builds.find((build) => build.leaseId === leaseId)?.finish({ kind: 'cancelled' }),
    build: async (requests, _slots, _limits, observer, signal) => {
      await Promise.all(requests.map((request) => run(request, observer, signal)));
    },
  };
}

function nameOf(drvPath: DerivationPath): string {
  return storePathName(drvPath);
}
