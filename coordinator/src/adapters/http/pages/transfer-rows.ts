/** Closures on their way to a builder and back. */

import type { TransferView } from '@argunix/shared/control-api/builder-views';
import { leasePath } from '@argunix/shared/control-api/paths';
import type { RunningStep } from '@argunix/shared/control-api/views';
import { sizeText } from '@argunix/shared/domain/size-text';
import { formatDuration } from '../durations.ts';
import { type Html, html, join } from './html.ts';
import { levelBar } from './level-bar.ts';
import { lasted } from './moments.ts';
import { jobMark } from './state-mark.ts';

export function transferRow(transfer: TransferView, now: number): Html {
  const { step, started_at } = transfer;
  return html`<li class="row transfer"><div class="row-head">${jobMark(step === 'waiting' ? 'queued' : 'running', words(transfer))}
<span class="row-when">${lasted(started_at, null, now)}</span></div>
${step !== 'waiting' && levelBar(doneOf(transfer), `${words(transfer)}: ${progress(transfer).join(', ')}`)}
<p class="row-facts">${step !== 'waiting' && html`${progress(transfer).join(' · ')}<br>`}${forWhom(transfer)}</p></li>`;
}

function words({ direction, step }: TransferView): string {
  const what = direction === 'push' ? 'inputs' : 'outputs';
  switch (step) {
    case 'waiting':
      return direction === 'push' ? 'waits to send inputs' : 'waits to fetch outputs';
    case 'asking':
      return `asking which ${what} are missing`;
    case 'substituting':
      return `fetching ${what} from caches`;
    case 'sending':
      return direction === 'push' ? 'sending inputs' : 'fetching outputs';
    default:
      return step satisfies never;
  }
}

function doneOf(transfer: TransferView): number {
  const { bytes_total: bytes, paths_total: paths } = transfer;
  return bytes > 0 ? transfer.bytes_done / bytes : transfer.paths_done / Math.max(1, paths);
}

function progress(transfer: TransferView): string[] {
  const { paths_done, paths_total, bytes_done, bytes_total, bytes_per_second: rate } = transfer;
  const bytesLeft = Math.max(0, bytes_total - bytes_done);
  const pathsLeft = Math.max(0, paths_total - paths_done);
  return [
    ...(paths_total > 0
      ? [`${pathsLeft} of ${paths_total} ${paths_total === 1 ? 'path' : 'paths'} left`]
      : []),
    ...(bytes_total > 0 ? [`${sizeText(bytes_done)} of ${sizeText(bytes_total)}`] : []),
    ...(rate > 0 ? [`${sizeText(rate)}/s`] : []),
    ...(rate > 0 && bytesLeft > 0 ? [`about ${wholeSeconds(bytesLeft / rate)} to go`] : []),
  ];
}

function wholeSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : formatDuration(whole * 1000);
}

function forWhom({ steps, step_count: count }: TransferView): Html | false {
  const more = count - steps.length;
  return steps.length > 0 && html`for ${join(steps.map(stepLink), ', ')}${more > 0 && ` and ${more} more`}`;
}

function stepLink({ lease_id, name }: RunningStep): Html {
  return html`<a href="${leasePath(lease_id)}"><bdi>${name}</bdi></a>`;
}
