/**
 * Whether an answer asks us to wait, and for how long. GitHub: `retry-after` for secondary limits, otherwise
 * `x-ratelimit-remaining: 0` with `x-ratelimit-reset`, both by 403 or 429, and a secondary limit that names neither
 * wants a minute. GitLab: 429 with `retry-after` and `ratelimit-reset`. Gitea and Forgejo: 429, mostly of a proxy.
 */
const UNNAMED_MS = 60_000;
// A date a day ahead is a mistake of a clock somewhere: ask again in an hour.
const LONGEST_MS = 60 * 60_000;

export function waitAskedFor(
  status: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  text: string,
  now: number,
): number | undefined {
  const mayAsk = status === 429 || status === 403 || status === 503;
  if (!mayAsk) {
    return undefined;
  }
  const after = retryAfterMs(one(headers['retry-after']), now);
  if (after !== undefined) {
    return within(after);
  }
  const remaining = one(headers['x-ratelimit-remaining'] ?? headers['ratelimit-remaining']);
  const reset = Number(one(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']) ?? Number.NaN);
  if (remaining === '0' && !Number.isNaN(reset)) {
    return within(reset * 1000 - now);
  }
  const isSecondary = status === 403 && /secondary rate limit|abuse detection/i.test(text);
  return status === 429 || isSecondary ? UNNAMED_MS : undefined;
}

/** RFC 9110: seconds, or a date. */
function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (/^\d+(?:\.\d+)?$/.test(value.trim())) {
    return Number(value) * 1000;
  }
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at - now;
}

function within(ms: number): number {
  return Math.min(Math.max(ms, 1_000), LONGEST_MS);
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
