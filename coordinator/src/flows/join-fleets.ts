import type { BuilderFleet } from '../ports/builder-fleet.ts';

/** Two fleets as one; no name is in both. */
export function joinFleets(one: BuilderFleet, other: BuilderFleet): BuilderFleet {
  return {
    get present() {
      return [...one.present, ...other.present];
    },
    get absent() {
      return [...one.absent, ...other.absent];
    },
    isExpectedOffline: (name) => one.isExpectedOffline(name) || other.isExpectedOffline(name),
    listen: (listener) => {
      const stops = [one.listen(listener), other.listen(listener)];
      return () => {
        for (const stop of stops) {
          stop();
        }
      };
    },
  };
}
