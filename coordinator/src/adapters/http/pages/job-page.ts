import { evaluationPath, jobLogPath, logStreamPath, repositoryPath } from '@argunix/shared/control-api/paths';
import type { WhyView } from '@argunix/shared/control-api/queue-views';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { isJobEnding } from '@argunix/shared/domain/job-status';
import { storePathName } from '@argunix/shared/domain/store-path';
import type { LogTail } from '../../../ports/job-logs.ts';
import type { AttemptView } from '../../../ports/views.ts';
import { formatDuration } from '../durations.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { logSection } from './log-section.ts';
import { ago, lasted } from './moments.ts';
import { jobMark, phaseWord } from './state-mark.ts';
import { dueWords, earlierFailure, needRows } from './why-summary.ts';

export interface JobPageContent {
  readonly job: JobView;
  readonly why: WhyView;
  readonly evaluation: EvaluationView;
  readonly attempts: readonly AttemptView[];
  readonly log: LogTail;
  readonly now: number;
}

export function jobPage(content: JobPageContent): Page {
  const { job, evaluation } = content;
  return {
    title: `${job.attr} · ${evaluation.repo.slug} #${evaluation.id}`,
    section: 'repositories',
    evaluationId: evaluation.id,
    followsLog: true,
    crumbs: [
      { label: 'Repositories', href: '/repos' },
      { label: evaluation.repo.slug, href: repositoryPath(evaluation.repo) },
      { label: `#${evaluation.id}`, href: evaluationPath(evaluation.repo, evaluation.id) },
    ],
    body: html`<h1 class="attr"><bdi>${job.attr}</bdi></h1>
<div id="summary" data-live>${summary(content)}</div>
${jobLog(content)}
<div id="details" data-live>${details(content)}</div>`,
  };
}

function summary({ job, why, now }: JobPageContent): Html {
  const took = lasted(job.started_at, job.finished_at, now);
  return html`<p class="verdict"${job.status === 'queued' && html` data-queue`}>${job.status === 'running' ? jobMark('running', phaseWord(job.phase)) : jobMark(job.status)} <span class="reason"><bdi>${why.reason}</bdi>${dueWords(why, now)}</span></p>
${earlierFailure(job.earlier, now)}
<p class="facts"><bdi>${job.name}</bdi> · ${job.system}${job.builder !== null && html` · on ${job.builder}`}${took !== null && html` · ${took}`}${
    job.started_at === null
      ? html` · queued ${ago(job.created_at, now)}`
      : html` · started ${ago(job.started_at, now)}`
  }${job.attempts > 1 && html` · attempt ${job.attempts}`}</p>
${needRows(why, now)}`;
}

function jobLog({ job, evaluation, log }: JobPageContent): Html {
  const path = jobLogPath(evaluation.repo, evaluation.id, job.attr);
  return logSection({
    log,
    wholePath: path,
    textPath: `${path}?format=text`,
    streamPath: log.isLive || !isJobEnding(job.status) ? logStreamPath(job.id) : null,
    absence: emptyLog(job),
    note:
      job.log_drv_path !== null &&
      html`<p class="quiet">This is the log of <bdi>${storePathName(job.log_drv_path)}</bdi>, which this job needs.</p>`,
  });
}

function emptyLog({ status }: JobView): string {
  if (status === 'queued') {
    return 'It has not begun; its log comes here.';
  }
  return status === 'running'
    ? 'Nothing was written yet.'
    : 'There is no log: nothing was built for this job.';
}

function details(content: JobPageContent): Html {
  const { job } = content;
  return html`<section aria-labelledby="paths-title"><h2 id="paths-title">Derivation and outputs</h2>
<dl class="paths">
<div><dt>derivation</dt><dd class="copyable">${storePath(job.drv_path, 'There is none: the attribute did not evaluate.')}</dd></div>
${Object.entries(job.outputs).map(
  ([name, path]) =>
    html`<div><dt>${name}</dt><dd class="copyable">${storePath(path, 'Known after the build.')}</dd></div>`,
)}
</dl></section>
${timings(job)}
${attemptTable(content)}
${publications(job)}`;
}

function storePath(path: string | null, absence: string): Html {
  return path === null ? html`<span class="quiet">${absence}</span>` : html`<code data-copy>${path}</code>`;
}

function timings({ timings: spent }: JobView): Html | false {
  const known = (
    [
      ['Waited', spent.wait_ms],
      ['Inputs sent', spent.push_ms],
      ['Built', spent.build_ms],
      ['Outputs fetched', spent.pull_ms],
      ['Published', spent.publish_ms],
    ] as const
  ).filter(([, ms]) => ms !== null);
  return (
    known.length > 0 &&
    html`<section aria-labelledby="times-title"><h2 id="times-title">Times</h2><dl class="pairs">${known.map(
      ([label, ms]) => html`<div><dt>${label}</dt><dd>${formatDuration(ms ?? 0)}</dd></div>`,
    )}</dl></section>`
  );
}

function attemptTable({ job, attempts, now }: JobPageContent): Html | false {
  return (
    attempts.length > 0 &&
    html`<section aria-labelledby="attempts-title"><h2 id="attempts-title">Earlier attempts</h2><table>
<thead><tr><th scope="col">State</th><th scope="col">Attempt</th><th scope="col">Why</th><th scope="col">Time</th></tr></thead>
<tbody>${attempts.map(
      (
        one,
      ) => html`<tr><td>${jobMark(one.status)}</td><th scope="row">${one.leaseId === null ? one.number : html`<a href="/api/v1/jobs/${job.id}/log?attempt=${one.number}">${one.number}, its log</a>`}</th>
<td>${one.reason ?? ''} ${ago(one.finishedAt, now)}</td><td class="num">${lasted(one.startedAt, one.finishedAt, now)}</td></tr>`,
    )}</tbody></table></section>`
  );
}

function publications({ publications: published }: JobView): Html | false {
  return (
    published.length > 0 &&
    html`<section aria-labelledby="published-title"><h2 id="published-title">Published</h2><ul class="plain">${published.map(
      ({ kind, target, status, detail }) =>
        html`<li>${kind} <bdi>${target}</bdi>: ${status}${detail !== null && html`, ${detail}`}</li>`,
    )}</ul></section>`
  );
}
