/** The sentences in which an ending says what was too much, or missing. */
import type { BuildFact } from './build-messages.ts';
import { MAX_OUTPUT_MEMORY_BYTES } from './output-memory.ts';

export interface RealiseLimits {
  readonly timeoutMs: number;
  readonly maxSilentMs: number;
  readonly maxLogBytes: number;
}

export const ENDLESS_LINE = `A line of its output did not end and took more than ${MAX_OUTPUT_MEMORY_BYTES / 1024 ** 2} MiB of memory, so it was stopped. Print line ends, or write what has none to a file.`;

export function describeStarved({ reason }: BuildFact): string {
  return /signal 9\b/.test(reason) ? `${reason}: most likely the host ran out of memory` : reason;
}

// From 2.8 on, then two forms of newer ones.
const LACKS = [
  /a '(?<system>[^']*)' with features \{(?<features>[^}]*)\} is required .* but I am a '(?<here>[^']*)' with features \{(?<has>[^}]*)\}/s,
  /Required system: '(?<system>[^']*)'(?: with features \{(?<features>[^}]*)\})?.*Current system: '(?<here>[^']*)'(?: with features \{(?<has>[^}]*)\})?/s,
  /Required features: \{(?<features>[^}]*)\}.*Available features: \{(?<has>[^}]*)\}/s,
];

/** In Nix's words where a version of it says something else. */
export function describeLack(what: string, { reason }: BuildFact): string {
  const lack = LACKS.map((pattern) => pattern.exec(reason)?.groups).find((groups) => groups !== undefined);
  if (lack === undefined) {
    return reason;
  }
  const { system, features = '', here, has = '' } = lack;
  return features === ''
    ? `${what} needs a builder for ${system}; this one builds for ${here}.`
    : `${what} needs a builder${system === undefined ? '' : ` for ${system}`} with the features ${features}; this one ${here === undefined ? 'has' : `builds for ${here} with`} ${has === '' ? 'none' : has}.`;
}

export function describeLimit(
  kind: 'too_long' | 'too_silent',
  { timeoutMs, maxSilentMs }: RealiseLimits,
): string {
  return kind === 'too_long'
    ? `took longer than ${formatDuration(timeoutMs)}`
    : `said nothing for ${formatDuration(maxSilentMs)}`;
}

/** `5 h`, `60 min`, `90 s`: the unit in which an operator would have set it. */
function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds >= 7_200 && seconds % 3_600 === 0) {
    return `${seconds / 3_600} h`;
  }
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

export function describeTalk(what: string, { maxLogBytes }: RealiseLimits): string {
  return `${what} printed more than ${formatBytes(maxLogBytes)}; schedule.max_log_size says how much is allowed.`;
}

/** `1 GiB`, `256 MiB`, `1234 bytes`: the unit in which an operator would have set it. */
function formatBytes(bytes: number): string {
  const unit = BYTE_UNITS.find(([, size]) => bytes >= size && bytes % size === 0);
  return unit === undefined ? `${bytes} bytes` : `${bytes / unit[1]} ${unit[0]}`;
}

const BYTE_UNITS = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const;
