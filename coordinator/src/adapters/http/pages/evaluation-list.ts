import { evaluationPath, repositoryPath } from '@argunix/shared/control-api/paths';
import type { EvaluationView } from '@argunix/shared/control-api/views';
import { whyEvaluation } from '../sentences.ts';
import { type Html, html } from './html.ts';
import { ago, lasted } from './moments.ts';
import { progressBar } from './progress-bar.ts';
import { readableRef, shortSha } from './revision.ts';
import { evaluationMark } from './state-mark.ts';

/** Evaluations as rows; `showsRepository` where they are of many. */
export function evaluationList(
  evaluations: readonly EvaluationView[],
  options: { readonly now: number; readonly showsRepository: boolean },
): Html {
  return html`<ul class="rows">${evaluations.map((one) => evaluationRow(one, options))}</ul>`;
}

function evaluationRow(
  evaluation: EvaluationView,
  { now, showsRepository }: { readonly now: number; readonly showsRepository: boolean },
): Html {
  const { repo, id, sha, created_at, started_at, finished_at, counts } = evaluation;
  const took = lasted(started_at, finished_at, now);
  return html`<li class="row">
<div class="row-head">${evaluationMark(evaluation)}
<a class="row-title" href="${evaluationPath(repo, id)}">${showsRepository && html`<bdi>${repo.slug}</bdi> `}#${id}</a>
<span class="row-when">${ago(created_at, now)}</span></div>
<p class="row-what">${whyEvaluation(evaluation)}</p>
${counts.total > 0 && progressBar(counts)}
<p class="row-facts">${showsRepository && html`<a href="${repositoryPath(repo)}">${repo.forge}</a> · `}<bdi>${readableRef(evaluation)}</bdi> · <code>${shortSha(sha)}</code>${took !== null && html` · ${took}`}</p>
</li>`;
}
