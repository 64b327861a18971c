import type { z } from 'zod';
import { flag, section, wholeNumber } from './scalars.ts';

const maxAgeDays = wholeNumber(1, 36_500).nullable();

export const RetentionOverrides = section({
  max_age_days: maxAgeDays.optional().describe('As retention.max_age_days, for this repository.'),
});

export const RetentionSection = section({
  max_age_days: maxAgeDays
    .default(90)
    .describe(
      'Evaluations older than this lose their roots and logs; null keeps them. A quarter outlives most releases.',
    ),
  max_size_gb: wholeNumber(1)
    .nullable()
    .default(200)
    .describe(
      'What our roots may keep in the store, in GiB; the oldest go first; null sets no bound. Without a bound a busy repository fills any disk.',
    ),
  keep_last_good: flag()
    .default(true)
    .describe(
      'The newest good evaluation of every watched branch is kept whatever its age: it is what people run.',
    ),
  interval_minutes: wholeNumber(1, 34_560)
    .default(60)
    .describe('How often to look for what is too old or too much.'),
});
export type RetentionSection = z.infer<typeof RetentionSection>;
