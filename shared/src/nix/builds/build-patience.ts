/**
 * How long a group may do what it does before nobody may wait for it. A shared group is measured by each of its builds
 * and by a row of fetches, for then it goes on to the next; one that is alone by all it does since it began.
 */
import type { Group } from './build-group.ts';

// A build that takes longer is worth a process of its own, and the others must not wait for it.
const PATIENCE_MS = 1_000;
// Before it builds or fetches anything: a nix-store on a busy host, or one whose substituters do not answer.
const START_FACTOR = 5;

export interface Patience {
  readonly ms: number;
  /** It does something new; `onLong` is called when that outlasts patience. */
  watch(group: Group, doing: Group['doing']): void;
  end(group: Group): void;
}

export function createPatience(onLong: (group: Group) => void, ms = PATIENCE_MS): Patience {
  return {
    ms,
    watch(group, doing) {
      const goesOn = group.isShared
        ? doing === 'fetching' && group.doing !== 'waiting'
        : group.patience !== undefined && group.doing !== 'waiting';
      if (goesOn) {
        return;
      }
      clearTimeout(group.patience);
      group.doing = doing;
      group.isLong = false;
      group.patience = setTimeout(
        () => {
          group.isLong = true;
          onLong(group);
        },
        doing === 'waiting' ? ms * START_FACTOR : ms,
      );
    },
    end(group) {
      clearTimeout(group.patience);
    },
  };
}
