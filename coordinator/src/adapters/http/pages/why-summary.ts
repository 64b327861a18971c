/** What a job waits for, or why it was not built: what stands under the sentence on its page. */
import { jobPath, leasePath } from '@argunix/shared/control-api/paths';
import type { WhyNeed, WhyView } from '@argunix/shared/control-api/queue-views';
import type { EarlierFailure } from '@argunix/shared/control-api/views';
import { type Html, html, join } from './html.ts';
import { ago, ahead, lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';
import { sharedBy } from './step-rows.ts';

const UNTIL_WORDS: Partial<Record<WhyView['kind'], string>> = {
  resting: 'tried again',
  absent: 'given up',
};

/** When the waiting ends by itself. */
export function dueWords({ kind, until }: WhyView, now: number): Html | false {
  return (
    until !== null && html` <span class="quiet">· ${UNTIL_WORDS[kind] ?? 'due'} ${ahead(until, now)}</span>`
  );
}

export function needRows({ needs }: WhyView, now: number): Html | false {
  return needs.length > 0 && html`<ul class="rows needs">${needs.map((need) => needRow(need, now))}</ul>`;
}

function needRow({ name, internal, jobs, job_count, running }: WhyNeed, now: number): Html {
  const mark =
    running === null
      ? jobMark('queued', 'waits')
      : jobMark('running', running.started_at === null ? 'starting' : 'building');
  const label = html`<bdi>${name}</bdi>`;
  const what = internal
    ? sharedBy(jobs, job_count)
    : join(
        jobs.map(
          (job) => html`<a href="${jobPath(job.repo, job.eval_id, job.attr)}"><bdi>${job.attr}</bdi></a>`,
        ),
        ', ',
      );
  return html`<li class="row"><div class="row-head">${mark}
${internal && running !== null ? html`<a class="row-title" href="${leasePath(running.lease_id)}">${label}</a>` : html`<span class="row-title">${label}</span>`}
<span class="row-when">${running !== null && lasted(running.started_at, null, now)}</span></div>
<p class="row-facts">${what}${running !== null && html`${(internal || jobs.length > 0) && ' · '}on <bdi>${running.builder}</bdi>`}</p></li>`;
}

export function earlierFailure(earlier: EarlierFailure | null, now: number): Html | false {
  if (earlier === null) {
    return false;
  }
  const { repo, eval_id, attr, failed_at, until, log_url } = earlier;
  const path = jobPath(repo, eval_id, attr);
  const isHeld = until !== null && Date.parse(until) > now;
  return html`<p class="earlier">It failed the same way ${failed_at === null ? 'before' : ago(failed_at, now)}: <a href="${path}"><bdi>${attr}</bdi> of <bdi>${repo.slug}</bdi> #${eval_id}</a>${
    isHeld
      ? html`; it is not built again until ${plainMoment(until)} unless somebody restarts it.`
      : '; a restart builds it again.'
  }${log_url !== null && html` <a href="${path}/log">Its log</a>`}</p>`;
}

function plainMoment(at: string): Html {
  return html`<time datetime="${at}">${at.slice(0, 10)} ${at.slice(11, 16)} UTC</time>`;
}
