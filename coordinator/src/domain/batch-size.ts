// 200 trivial derivations: 4.3 to 4.9 s with a process each, 0.9 s in batches of 20 (two cores, Nix 2.8).
const STEPS_PER_SLOT = 16;

/**
 * How many ready steps go to Nix in one process. Many for a slot, because starting a process costs more than a small
 * build; but never all of a short queue to one slot while another could start at once.
 */
export function batchSize(ready: number, slots: number): number {
  return Math.min(ready, slots * STEPS_PER_SLOT);
}
