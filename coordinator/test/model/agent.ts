/**
 * A builder on another machine. It outlives coordinators: what it was given it goes on with, and tells when it is asked
 * again. While it is away nobody hears of it.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildObserver } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { Builder } from '../../src/ports/builder.ts';
import type { HeldBuild } from '../../src/ports/builder-fleet.ts';
import { createFakeBuilder } from '../fakes/fake-builder.ts';

interface AgentBuild {
  readonly leaseId: LeaseId;
  readonly name: string;
  ending: BuildEnding | undefined;
  /** The coordinator that listens. */
  observer: BuildObserver | undefined;
  told(): void;
}

export interface Agent {
  readonly name: string;
  isUp: boolean;
  /** As the coordinator that lives now has it. */
  builder(): Builder;
  /** What it still has of earlier coordinators. */
  held(): readonly HeldBuild[];
  /** Builds that have not ended, by name. */
  open(): readonly string[];
  finish(name: string, ending: BuildEnding): void;
  leave(): void;
  come(): void;
  /** Its disk is new: it has nothing any more. */
  forget(): void;
  /** The coordinator is dead. */
  detach(): void;
}

export const AGENT = 'agent';

export function createAgent(slots: number): Agent {
  let builds: AgentBuild[] = [];
  let isUp = true;

  function tell(build: AgentBuild): void {
    const { ending, observer, leaseId } = build;
    if (ending === undefined || observer === undefined || !isUp) {
      return;
    }
    builds = builds.filter((one) => one !== build);
    if (ending.kind === 'built') {
      observer.started(leaseId);
    }
    observer.ended(leaseId, ending);
    build.told();
  }
  function watch(build: AgentBuild, observer: BuildObserver, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      build.observer = observer;
      build.told = resolve;
      signal.addEventListener(
        'abort',
        () => {
          build.observer = undefined;
          resolve();
        },
        { once: true },
      );
      if (signal.aborted) {
        build.observer = undefined;
        resolve();
      }
      tell(build);
    });
  }
  function end(build: AgentBuild | undefined, ending: BuildEnding): void {
    if (build !== undefined) {
      build.ending ??= ending;
      tell(build);
    }
  }

  return {
    name: AGENT,
    get isUp() {
      return isUp;
    },
    builder: () => ({
      ...createFakeBuilder(slots),
      name: AGENT,
      build: async (requests, _places, _limits, observer, signal) => {
        await Promise.all(
          requests.map(({ leaseId, drvPath }) => {
            const build = {
              leaseId,
              name: storePathName(drvPath),
              ending: undefined,
              observer: undefined,
              told: () => undefined,
            };
            builds.push(build);
            return watch(build, observer, signal);
          }),
        );
      },
      cancel: (leaseId) => {
        const build = builds.find((one) => one.leaseId === leaseId);
        end(build, { kind: 'cancelled' });
        // Nobody listens to what an earlier coordinator asked for.
        builds = builds.filter((one) => one !== build || one.observer !== undefined);
      },
    }),
    held: () =>
      builds
        .filter(({ observer }) => observer === undefined)
        .map((build) => ({
          leaseId: build.leaseId,
          resume: (observer, signal) => watch(build, observer, signal),
        })),
    open: () => builds.filter(({ ending }) => ending === undefined).map(({ name }) => name),
    finish: (name, ending) =>
      end(
        builds.find((build) => build.name === name && build.ending === undefined),
        ending,
      ),
    leave: () => {
      isUp = false;
    },
    come: () => {
      isUp = true;
      for (const build of [...builds]) {
        tell(build);
      }
    },
    forget: () => {
      const lost = builds;
      builds = builds.filter(({ observer }) => observer !== undefined);
      for (const build of lost) {
        end(build, { kind: 'infrastructure', reason: 'its disk is new' });
      }
    },
    detach: () => {
      for (const build of builds) {
        build.observer = undefined;
      }
    },
  };
}
