import { z } from 'zod';
import { BuilderView } from './builder-views.ts';

const Time = z.iso.datetime();
const Count = z.int().nonnegative();

/** Who was turned away at the builders' door. */
export const RefusalView = z.object({ at: Time, from: z.string(), reason: z.string() });

export const StatusView = z.object({
  version: z.string(),
  started_at: Time,
  external_url: z.string(),
  repositories: Count,
  evaluations: z.object({ queued: Count, evaluating: Count, building: Count }),
  jobs: z.object({ queued: Count, running: Count }),
  builders: z.array(BuilderView),
  /** Where builders dial in, and whom they should meet there. Operators only; null where no builder can enroll. */
  builder_enrollment: z
    .object({
      /** `host:port`; null while it does not listen. */
      address: z.string().nullable(),
      host_key_fingerprint: z.string(),
    })
    .nullable(),
  /** Newest first. Operators only. */
  refusals: z.array(RefusalView),
  /** Sentences about what an operator should look at; empty when all is well. */
  warnings: z.array(z.string()),
});
export type StatusView = z.infer<typeof StatusView>;
