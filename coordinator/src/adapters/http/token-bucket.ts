/** Lets `burst` through at once and one more every `refillMs` after; says how long to wait otherwise. */
export interface TokenBucket {
  take(): { readonly kind: 'taken' } | { readonly kind: 'empty'; readonly retryAfterMs: number };
}

export function createTokenBucket(options: {
  readonly burst: number;
  readonly refillMs: number;
  readonly now: () => number;
}): TokenBucket {
  let tokens = options.burst;
  let countedAt = options.now();
  return {
    take() {
      const now = options.now();
      tokens = Math.min(options.burst, tokens + Math.max(0, now - countedAt) / options.refillMs);
      countedAt = now;
      if (tokens < 1) {
        return { kind: 'empty', retryAfterMs: Math.ceil((1 - tokens) * options.refillMs) };
      }
      tokens -= 1;
      return { kind: 'taken' };
    },
  };
}
