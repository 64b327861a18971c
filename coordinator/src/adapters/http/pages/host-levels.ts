/** How the host of a builder is: load, memory and disk. */
import type { BuilderView } from '@argunix/shared/control-api/builder-views';
import { sizeText } from '@argunix/shared/domain/size-text';
import { type Html, html } from './html.ts';
import { levelBar } from './level-bar.ts';

export function hostLevels({ stats }: BuilderView): Html | false {
  if (stats === null) {
    return false;
  }
  const { load_1: load, cores, memory_used_bytes: used, memory_total_bytes: memory } = stats;
  const { disk_free_bytes: free, disk_total_bytes: disk } = stats;
  return html`<ul class="levels">
${one('Load', `${load.toFixed(1)} on ${cores} cores`, levelBar(load / cores, `Load ${load.toFixed(1)} on ${cores} cores`))}
${one('Memory', `${sizeText(used)} of ${sizeText(memory)}`, levelBar(used / memory, `${sizeText(used)} of ${sizeText(memory)} of memory in use`, true))}
${one('Disk', `${sizeText(free)} free`, levelBar((disk - free) / disk, `${sizeText(free)} of ${sizeText(disk)} of disk free`, true))}
</ul>`;
}

function one(name: string, words: string, bar: Html): Html {
  return html`<li><span class="level-name">${name}</span> <span class="level-words">${words}</span>${bar}</li>`;
}
