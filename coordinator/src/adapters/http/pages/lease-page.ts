/** The page of one dispatch: of a shared dependency, which no job names and which has no other page. */
import { leaseLogPath, leaseLogStreamPath } from '@argunix/shared/control-api/paths';
import type { LeaseView } from '@argunix/shared/control-api/queue-views';
import type { LogTail } from '../../../ports/job-logs.ts';
import { html } from './html.ts';
import type { Page } from './layout.ts';
import { logSection } from './log-section.ts';
import { ago, lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';
import { namedBy, sharedBy } from './step-rows.ts';

export interface LeasePageContent {
  readonly lease: LeaseView;
  readonly log: LogTail;
  readonly now: number;
}

export function leasePage({ lease, log, now }: LeasePageContent): Page {
  const { internal, id, name, drv_path, running, builder, jobs, job_count, started_at, finished_at } = lease;
  const took = lasted(started_at, finished_at, now);
  return {
    title: name,
    section: 'queue',
    crumbs: [{ label: 'Queue', href: '/queue' }],
    followsLog: true,
    body: html`<h1 class="attr"><bdi>${name}</bdi></h1>
<div id="summary" data-live${running && html` data-queue`}>
<p class="verdict">${running ? jobMark('running', started_at === null ? 'starting' : 'building') : jobMark('cancelled', 'ended')} <span class="reason">${internal ? sharedBy(jobs, job_count) : namedBy(jobs, job_count)}</span></p>
<p class="facts">on <bdi>${builder}</bdi>${took !== null && html` · ${took}`}${started_at !== null && html` · started ${ago(started_at, now)}`}</p>
</div>
${logSection({
  log,
  wholePath: leaseLogPath(id),
  textPath: leaseLogPath(id),
  streamPath: running ? leaseLogStreamPath(id) : null,
  absence: running ? 'Nothing was written yet.' : 'It wrote nothing, or its log is not kept any more.',
})}
<section aria-labelledby="paths-title"><h2 id="paths-title">Derivation</h2>
<p class="copyable"><code data-copy>${drv_path}</code></p></section>`,
  };
}
