/** Looks at repositories of which something came late, or not at all: at once, but those of one repository with a pause. */
import type { RepositoryId } from '@argunix/shared/domain/ids';
import { createPacedWork, type PacedWork, type PacedWorkOptions } from '../flows/paced-work.ts';

// A stranger may push to a request every second: the looks that follow must leave most of what a forge lets us ask.
const PAUSE_MS = 10_000;

export interface CloserLooksOptions extends Pick<PacedWorkOptions, 'start' | 'clock' | 'signal'> {
  readonly poke: (id: RepositoryId) => void;
}

export function createCloserLooks(options: CloserLooksOptions): (id: RepositoryId) => void {
  const looks = new Map<RepositoryId, PacedWork>();

  return (id) => {
    let look = looks.get(id);
    if (look === undefined) {
      look = createPacedWork({
        ...options,
        pauseMs: PAUSE_MS,
        work: () => {
          options.poke(id);
          return Promise.resolve();
        },
      });
      looks.set(id, look);
    }
    look.ask();
  };
}
