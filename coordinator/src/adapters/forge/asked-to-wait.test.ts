import { describe, expect, it } from 'vitest';
import { waitAskedFor } from './asked-to-wait.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const IN_A_MINUTE = String(NOW / 1000 + 60);

describe('waitAskedFor', () => {
  it.each<[string, number, Record<string, string | string[]>, string, number | undefined]>([
    ['seconds', 429, { 'retry-after': '30' }, '', 30_000],
    ['seconds of a 403', 403, { 'retry-after': '30' }, '', 30_000],
    ['seconds of a 503', 503, { 'retry-after': '30' }, '', 30_000],
    ['fractions of seconds', 429, { 'retry-after': ' 1.5 ' }, '', 1_500],
    ['a date', 429, { 'retry-after': 'Sun, 01 Mar 2026 12:00:20 GMT' }, '', 20_000],
    ['a date that is past', 429, { 'retry-after': 'Sun, 01 Mar 2026 11:00:00 GMT' }, '', 1_000],
    ['no time at all', 429, { 'retry-after': '0' }, '', 1_000],
    ['a day', 429, { 'retry-after': '86400' }, '', 3_600_000],
    ['what is no time', 429, { 'retry-after': 'soon' }, '', 60_000],
    [
      'the end of a window',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': IN_A_MINUTE },
      '',
      60_000,
    ],
    [
      'the end of a window of GitLab',
      429,
      { 'ratelimit-remaining': '0', 'ratelimit-reset': IN_A_MINUTE },
      '',
      60_000,
    ],
    [
      'a window that is open',
      403,
      { 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': IN_A_MINUTE },
      '',
      undefined,
    ],
    ['a secondary limit that names no time', 403, {}, 'You have exceeded a secondary rate limit.', 60_000],
    ['the abuse detection of old', 403, {}, 'You have triggered an abuse detection mechanism.', 60_000],
    ['a 429 that names no time', 429, {}, '', 60_000],
    ['the first of two headers', 429, { 'retry-after': ['5', '7'] }, '', 5_000],
    ['a plain 403', 403, {}, 'Resource not accessible by integration', undefined],
    ['a plain 503', 503, {}, '', undefined],
    [
      'a 200 at the end of a window',
      200,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': IN_A_MINUTE },
      '',
      undefined,
    ],
    ['a 200 with a time', 200, { 'retry-after': '30' }, '', undefined],
  ])('%s', (_, status, headers, text, wanted) => {
    expect(waitAskedFor(status, headers, text, NOW)).toBe(wanted);
  });
});
