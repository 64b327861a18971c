import { byteSize, seconds, section, wholeNumber } from './scalars.ts';

export const ScheduleSection = section({
  collapsed_check_threshold: wholeNumber(0)
    .default(100)
    .describe(
      'An evaluation with more jobs than this shows as one rolling check: forges get slow and their rate limits run out with a check for each of thousands of jobs.',
    ),
  catch_up_seconds: seconds(0.1)
    .default(300)
    .describe(
      'How often each repository of a forge is looked at besides what its webhook tells: whether the hook is there, whether branches or requests moved unseen. With many repositories it takes longer: every forge counts requests.',
    ),
  webhook_coalesce_seconds: seconds()
    .default(5)
    .describe(
      'The first delivery starts at once, equal ones within this window are dropped. Forges send some pushes twice; five seconds cover the second.',
    ),
  eval_concurrency: wholeNumber(1, 64)
    .default(2)
    .describe(
      'Evaluations at a time, as far as eval.memory_budget allows. Each may use eval.memory_max, so two keep a host of 16 GB safe.',
    ),
  build_concurrency: wholeNumber(1, 1024)
    .default(4)
    .describe(
      'Closures that this host sends or receives at a time; not the number of builds, which the builders decide.',
    ),
  build_timeout_seconds: seconds(1)
    .default(18_000)
    .describe(
      'A build that takes longer is ended as timed out. Five hours let a browser or a kernel finish.',
    ),
  max_silent_seconds: seconds(1)
    .default(3600)
    .describe(
      'A build that prints nothing for so long is taken for hung; long link steps stay below an hour.',
    ),
  max_log_size: byteSize(1024, 'expected a size of at least 1K, such as 256M or 1G')
    .prefault('1G')
    .describe(
      'A build that prints more is ended: nobody reads a gigabyte, and a build that prints for ever fills the disk.',
    ),
  builder_wait_seconds: seconds()
    .default(300)
    .describe(
      'How long a job waits when no connected builder could run it, counted from the last one leaving; then it ends as error with the reason. Five minutes outlast the restart of a builder. 0 gives up at once.',
    ),
  awaiting_approval_days: wholeNumber(1, 3650)
    .default(14)
    .describe('A request of a stranger that nobody approves is cancelled after so many days.'),
  emulation_spill_grace_seconds: seconds()
    .default(300)
    .describe(
      'After the last native builder of a system left, so long its jobs wait for it before an emulating one gets them: emulation is ten times slower than a reconnect.',
    ),
  infrastructure_retries: wholeNumber(0, 100)
    .default(5)
    .describe(
      'How often a job is tried again when a builder was lost or a transfer broke: no fault of the build.',
    ),
  infrastructure_retry_seconds: seconds(0.1)
    .default(5)
    .describe(
      'The first of them comes after so long, each later one after twice as long. Five seconds outlast a hiccup of the network, and five tries a restart of the other side.',
    ),
  failure_cache_hours: wholeNumber(0, 8760)
    .default(24)
    .describe(
      'A derivation that failed is not built again for so long unless somebody restarts its job. 0 always builds again.',
    ),
});
