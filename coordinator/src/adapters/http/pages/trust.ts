/** Of whom an evaluation is, whether it is trusted, and what is to be done where that is still open. */
import type { EvaluationView, RepositoryView } from '@argunix/shared/control-api/views';
import { isUnreached } from '../../../domain/unreached-ref.ts';
import { command } from './copyable-command.ts';
import { type Html, html } from './html.ts';
import { linked, readableRef, requestName } from './revision.ts';

/** Rows of the summary; nothing for a push, which is trusted for what it is. */
export function requestRows(
  evaluation: EvaluationView,
  kind: RepositoryView['kind'] | undefined,
): Html | false {
  const { pr_number, request_url, author, pusher, ref, ref_url } = evaluation;
  if (pr_number === null) {
    return false;
  }
  const name = linked(html`${requestName(pr_number, kind)}`, request_url);
  const base = linked(html`<bdi>${readableRef({ ref, pr_number: null })}</bdi>`, ref_url);
  const isOfOne = pusher === null || pusher === author;
  return html`<div><dt>Request</dt><dd>${name}${author !== null && html` by <bdi>${author}</bdi>`}, into ${base}</dd></div>
${!isOfOne && html`<div><dt>Pushed by</dt><dd><bdi>${pusher}</bdi></dd></div>`}`;
}

export function trustRow(evaluation: EvaluationView): Html | false {
  const sentence = whyTrusted(evaluation);
  return sentence !== null && html`<div><dt>Trust</dt><dd>${sentence}</dd></div>`;
}

function whyTrusted({ trusted, pr_number, approved_by, status, ref }: EvaluationView): string | null {
  if (!trusted) {
    if (pr_number === null) {
      return isUnreached(ref) ? 'not trusted: no branch or tag of the repository leads to it' : 'not trusted';
    }
    return status === 'awaiting_approval' ? 'not trusted yet' : 'not trusted: nobody approved it';
  }
  if (approved_by !== null) {
    // What the forge was asked is kept as the sentence that it made.
    return approved_by.endsWith(' may push here') ? `trusted: ${approved_by}` : `approved by ${approved_by}`;
  }
  return pr_number === null ? null : 'trusted: its head is a branch of the repository itself';
}

/** What lets it go on. */
export function approvalBox({ id, status }: EvaluationView): Html | false {
  return (
    status === 'awaiting_approval' &&
    html`<div class="card"><p>Whoever operates this CI lets exactly this revision go on, after a look at what it changes; a newer push to the request waits anew:</p>
${command(`argunixctl evals approve ${id}`)}</div>`
  );
}
