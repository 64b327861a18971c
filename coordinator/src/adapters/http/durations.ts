/** Lengths of time for people: two units at most, the smaller one dropped when it says nothing. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (ms < 1000) {
    return `${Math.round(ms)} ms`;
  }
  if (seconds < 10) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return twoUnits(minutes, 'min', seconds % 60, 's');
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? twoUnits(hours, 'h', minutes % 60, 'min')
    : twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

const UNITS = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3600 },
  { unit: 'min', seconds: 60 },
] as const;

/** `3 min ago`; what lies ahead by clock skew is `just now`. assets/times.js says the same as time goes by. */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 5) {
    return 'just now';
  }
  const fitting = UNITS.find((one) => seconds >= one.seconds);
  return fitting === undefined
    ? `${seconds} s ago`
    : `${Math.floor(seconds / fitting.seconds)} ${fitting.unit} ago`;
}

/** `in 3 min`, rounded up so that it never says less than it takes; what is past is `now`. */
export function formatIn(at: number, now: number): string {
  const seconds = Math.ceil((at - now) / 1000);
  const fitting = UNITS.find((one) => seconds >= one.seconds);
  if (seconds <= 0) {
    return 'now';
  }
  return fitting === undefined
    ? `in ${seconds} s`
    : `in ${Math.ceil(seconds / fitting.seconds)} ${fitting.unit}`;
}
