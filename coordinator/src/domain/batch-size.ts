// 200 trivial derivations: 4.3 to 4.9 s with a process each, 0.9 s in batches of 20 (two cores, Nix 2.8).
const STEPS_PER_SLOT = 16;

/**
 * How many of the ready steps go to Nix in one process, when `free` of all slots are. Many for a slot, because starting
 * a process costs more than a small build; but never more than the free slots' share of the line: nobody knows how
 * long a step takes, and one that stands behind an hour's build while another slot has nothing to do would wait for it.
 */
export function batchSize(ready: number, free: number, slots: number): number {
  const share = Math.ceil((ready * free) / slots);
  return Math.min(ready, Math.max(share, free), free * STEPS_PER_SLOT);
}
