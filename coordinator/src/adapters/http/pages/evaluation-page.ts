import { evaluationPath, jobPath, repositoryPath } from '@argunix/shared/control-api/paths';
import type { EvaluationView, JobView, RepositoryView } from '@argunix/shared/control-api/views';
import { JOB_STATUSES, type JobStatus } from '@argunix/shared/domain/job-status';
import type { NumberedLine } from '../../../ports/log-store.ts';
import { badCount, whyEvaluation, whyJob } from '../sentences.ts';
import { type Html, html } from './html.ts';
import { jobTable } from './job-table.ts';
import type { Page } from './layout.ts';
import { logExcerpt } from './log-lines.ts';
import { ago, lasted } from './moments.ts';
import { countLinks, progressBar } from './progress-bar.ts';
import { commitLink, linked, readableRef } from './revision.ts';
import { evaluationMark, jobMark, statusWord } from './state-mark.ts';
import { approvalBox, requestRows, trustRow } from './trust.ts';

export interface JobsWanted {
  readonly status: readonly JobStatus[];
  readonly search: string;
  readonly after: string | null;
}

export interface FailedJob {
  readonly job: JobView;
  readonly lastLines: readonly NumberedLine[];
}

export interface EvaluationPageContent {
  readonly evaluation: EvaluationView;
  readonly repository: RepositoryView | undefined;
  /** Shown before all else; empty when a filter is on. */
  readonly failed: readonly FailedJob[];
  readonly jobs: readonly JobView[];
  readonly hasMore: boolean;
  readonly wanted: JobsWanted;
  readonly now: number;
}

export function evaluationPage(content: EvaluationPageContent): Page {
  const { evaluation } = content;
  return {
    title: `${evaluation.repo.slug} #${evaluation.id}`,
    section: 'repositories',
    evaluationId: evaluation.id,
    crumbs: [
      { label: 'Repositories', href: '/repos' },
      { label: evaluation.repo.slug, href: repositoryPath(evaluation.repo) },
    ],
    body: html`<h1>Evaluation #${evaluation.id}</h1>
<div id="summary" data-live>${summary(content)}</div>
<div id="failed" data-live>${failures(content)}</div>
<section aria-labelledby="jobs-title"><h2 id="jobs-title">Jobs</h2>
${jobFilter(content)}
<div id="jobs" data-live>${jobList(content)}</div>
</section>`,
  };
}

function summary({ evaluation, repository, now }: EvaluationPageContent): Html {
  const { counts, repo, id, trigger, restart_of } = evaluation;
  return html`<p class="verdict">${evaluationMark(evaluation)} <span class="reason">${whyEvaluation(evaluation)}</span></p>
${approvalBox(evaluation)}
${counts.total > 0 && progressBar(counts)}
${counts.total > 0 && countLinks(counts, (status) => `${evaluationPath(repo, id)}?status=${status}#jobs-title`)}
<dl class="pairs">
<div><dt>Revision</dt><dd>${revision(evaluation)}</dd></div>
${requestRows(evaluation, repository?.kind)}
<div><dt>Why</dt><dd>${trigger.replace('_', ' ')}${restart_of !== null && html`, again after <a href="${evaluationPath(repo, restart_of)}">#${restart_of}</a>`}</dd></div>
${trustRow(evaluation)}
<div><dt>Created</dt><dd>${ago(evaluation.created_at, now)}</dd></div>
${durations(evaluation, now)}
</dl>`;
}

function revision(evaluation: EvaluationView): Html {
  const { sha, commit_url, built_sha, built_commit_url, pr_number, ref_url } = evaluation;
  const place = linked(html`<bdi>${readableRef(evaluation)}</bdi>`, ref_url);
  return html`${commitLink(sha, commit_url)}${pr_number === null && html` on ${place}`}${built_sha !== sha && html`, built as its merge ${commitLink(built_sha, built_commit_url)}`}`;
}

function durations({ started_at, building_at, finished_at }: EvaluationView, now: number): Html {
  const evaluating = lasted(started_at, building_at ?? finished_at, now);
  const building = lasted(building_at, finished_at, now);
  return html`${evaluating !== null && html`<div><dt>Evaluating</dt><dd>${evaluating}</dd></div>`}
${building !== null && html`<div><dt>Building</dt><dd>${building}</dd></div>`}`;
}

function failures({ failed, evaluation }: EvaluationPageContent): Html | false {
  if (failed.length === 0) {
    return false;
  }
  const more = badCount(evaluation.counts) - failed.length;
  return html`<section aria-labelledby="failed-title"><h2 id="failed-title">What did not pass</h2>
${failed.map((one) => failure(one, evaluation))}
${more > 0 && html`<p class="quiet">${more} more did not pass: the table below has them.</p>`}</section>`;
}

function failure({ job, lastLines }: FailedJob, { repo, id }: EvaluationView): Html {
  return html`<article class="card failed">
<h3>${jobMark(job.status)} <a href="${jobPath(repo, id, job.attr)}"><bdi>${job.attr}</bdi></a></h3>
<p class="reason">${whyJob(job)}</p>
${lastLines.length > 0 && logExcerpt(lastLines)}
</article>`;
}

function jobFilter({ evaluation, wanted }: EvaluationPageContent): Html {
  const path = evaluationPath(evaluation.repo, evaluation.id);
  const isFiltered = wanted.status.length > 0 || wanted.search !== '' || wanted.after !== null;
  return html`<form class="filter" method="get" action="${path}#jobs-title">
<label>Attribute <input name="search" type="search" value="${wanted.search}" placeholder="any" autocapitalize="off" spellcheck="false"></label>
<label>State <select name="status"><option value="">any</option>${JOB_STATUSES.map(
    (status) =>
      html`<option value="${status}"${wanted.status.includes(status) && html` selected`}>${statusWord(status)}</option>`,
  )}</select></label>
<button>Show</button>
${isFiltered && html`<a href="${path}#jobs-title">All jobs</a>`}
</form>`;
}

function jobList(content: EvaluationPageContent): Html {
  const { jobs, evaluation, wanted, now } = content;
  if (jobs.length === 0) {
    const isFiltered = wanted.status.length > 0 || wanted.search !== '' || wanted.after !== null;
    return html`<p class="quiet">${isFiltered ? 'No job is like that.' : 'No jobs were found yet.'}</p>`;
  }
  return html`${jobTable(jobs, evaluation, now)}${nextLink(content)}`;
}

function nextLink({ jobs, hasMore, evaluation, wanted }: EvaluationPageContent): Html | false {
  const last = jobs.at(-1);
  if (!hasMore || last === undefined) {
    return false;
  }
  const query = new URLSearchParams({ after: last.attr });
  if (wanted.search !== '') {
    query.set('search', wanted.search);
  }
  for (const status of wanted.status) {
    query.append('status', status);
  }
  const path = evaluationPath(evaluation.repo, evaluation.id);
  return html`<p class="pager"><a href="${path}?${query.toString()}#jobs-title">More jobs</a></p>`;
}
