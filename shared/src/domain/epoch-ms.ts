import type { Brand } from './brand.ts';

/** A point in time: milliseconds since 1970 UTC. `Date` exists only where time is printed. */
export type EpochMs = Brand<number, 'EpochMs'>;

export function toEpochMs(value: number): EpochMs {
  return Math.trunc(value) as EpochMs;
}
