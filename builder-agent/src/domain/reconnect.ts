/** How long to wait before the next try: doubling, with half of it left to chance so that many do not come at once. */
export interface ReconnectPace {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** `failures` in a row since the last welcome, from 0; `chance` between 0 and 1. */
export function reconnectDelayMs(
  { firstMs, mostMs }: ReconnectPace,
  failures: number,
  chance: number,
): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(whole * (0.5 + chance / 2));
}
