import { z } from 'zod';

/** What came of reading the configuration again. All are sentences. */
export const ReloadView = z.object({
  applied: z.array(z.string()),
  /** What stays as it is until the coordinator is started again. */
  needs_restart: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type ReloadView = z.infer<typeof ReloadView>;
