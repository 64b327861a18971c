import { sizeText } from '@argunix/shared/domain/size-text';

// What is freed has to last for a while: otherwise each build ends the pause that the next begins.
const RESUME_FACTOR = 1.25;

/** The sentence why nothing new is taken while the disk is this full; null when there is room. */
export function judgeDisk(freeBytes: number, minFreeBytes: number, isPaused: boolean): string | null {
  const wantedBytes = isPaused ? minFreeBytes * RESUME_FACTOR : minFreeBytes;
  return freeBytes >= wantedBytes
    ? null
    : `The disk of the Nix store has ${sizeText(freeBytes)} left; nothing new is begun below ${sizeText(minFreeBytes)}.`;
}
