import type { BuilderView } from '@argunix/shared/control-api/views';
import type { Dispatcher } from '../flows/dispatch-steps.ts';
import type { Builder } from '../ports/builder.ts';
import type { Views } from '../ports/views.ts';

// More than a host builds at a time.
const MOST_SHOWN = 100;

/** This host as a builder, with what it builds now. */
export function toBuilderViews(
  builder: Builder,
  dispatcher: Dispatcher,
  views: Views,
): readonly BuilderView[] {
  const running = views
    .activeJobs(MOST_SHOWN)
    .filter((job) => job.status === 'running' && job.builder === builder.name);
  return [
    {
      name: builder.name,
      systems: [...builder.offer.systems],
      features: [...builder.offer.features],
      slots: builder.offer.slots,
      slots_used: dispatcher.slotsUsed,
      nix_version: builder.nixVersion,
      sandboxed: builder.offer.isSandboxed,
      current: running.flatMap((job) => {
        const repo = views.evaluation(job.eval_id)?.repo;
        return repo === undefined
          ? []
          : [{ job_id: job.id, eval_id: job.eval_id, attr: job.attr, repo, started_at: job.started_at }];
      }),
    },
  ];
}
