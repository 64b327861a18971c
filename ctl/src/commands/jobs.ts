import { WhyView } from '@argunix/shared/control-api/queue-views';
import { JobView } from '@argunix/shared/control-api/views';
import { type Command, type CommandContext, idOf } from '../command.ts';
import { jobState } from '../output/columns.ts';
import { printFields } from '../output/fields.ts';
import { formatDuration } from '../output/times.ts';

const JOBS = '/api/v1/jobs';

export const showJob: Command = async ({ client, print, now }, given) => {
  const job = await client.get(`${JOBS}/${idOf(given)}`, JobView);
  if (print.isJson) {
    print.json(job);
    return;
  }
  printFields(print, {
    job: job.id,
    evaluation: job.eval_id,
    attribute: job.attr,
    system: job.system,
    name: job.name,
    derivation: job.drv_path,
    state: jobState(job).text,
    reason: job.reason,
    builder: job.builder,
    attempt: job.attempts,
    took: formatDuration(job.started_at, job.finished_at, now()),
    page: job.url,
  });
  for (const [output, path] of Object.entries(job.outputs)) {
    print.sentence(`output ${output}: ${path ?? 'known once it is built'}`);
  }
};

export const whyJob: Command = async ({ client, print }, given) => {
  const why = await client.get(`${JOBS}/${idOf(given)}/why`, WhyView);
  if (print.isJson) {
    print.json(why);
    return;
  }
  print.sentence(`${why.status}: ${why.reason}`);
  for (const { name, jobs, job_count: count, internal, running } of why.needs) {
    const what = internal ? `a shared dependency of ${count} jobs` : jobs.map(({ attr }) => attr).join(', ');
    print.sentence(
      `  ${name}${what === '' ? '' : `: ${what}`}${running === null ? '' : `, on ${running.builder}`}`,
    );
  }
};

export const restartJob: Command = async (context, given) => {
  announce(context, await context.client.post(`${JOBS}/${idOf(given)}/restart`, JobView));
};

export const cancelJob: Command = async (context, given) => {
  announce(context, await context.client.post(`${JOBS}/${idOf(given)}/cancel`, JobView));
};

export const bumpJob: Command = async (context, given) => {
  announce(context, await context.client.post(`${JOBS}/${idOf(given)}/bump`, JobView));
};

function announce({ print }: CommandContext, job: JobView): void {
  if (print.isJson) {
    print.json(job);
    return;
  }
  print.sentence(`Job ${job.id} (${job.attr}) is ${jobState(job).text}, attempt ${job.attempts}: ${job.url}`);
}
