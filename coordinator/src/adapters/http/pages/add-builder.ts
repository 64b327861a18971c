/** How another builder comes in, or what to configure so that one can. */
import type { BuilderDoorView } from '../builder-door.ts';
import { command } from './copyable-command.ts';
import { type Html, html } from './html.ts';

export function addBuilder(door: BuilderDoorView): Html {
  return html`<details class="card how"><summary>Add a builder</summary>
${door.isOpen ? invitation(door) : configuration()}
</details>`;
}

function invitation({ enrollment }: BuilderDoorView): Html {
  return html`<ol class="steps">
<li>On the host of the coordinator, with a name for the new builder:
${command('argunixctl builders invite NAME')}</li>
<li>On the new host, where Nix and <code>argunix-builder</code> are installed, the line that it prints. It works once, within a day, and starts the agent:
<p class="copyable"><code>argunix-builder ${dialling(enrollment)} --name=NAME --enrollment-token-path=…</code></p></li>
</ol>
${enrollment !== null && html`<p class="facts">Builders ${enrollment.address === null ? 'cannot dial in yet: nobody listens.' : html`dial <code>${enrollment.address}</code> over SSH.`} The invitation has the fingerprint of the key that they meet there, <code>${enrollment.host_key_fingerprint}</code>.</p>`}`;
}

function dialling(enrollment: BuilderDoorView['enrollment']): string {
  const [, host = '…', port = '…'] = /^(.*):(\d+)$/.exec(enrollment?.address ?? '') ?? [];
  return `--argunix-host=${host} --argunix-port=${port}`;
}

function configuration(): Html {
  return html`<p>Builders on other hosts dial in over SSH, once the configuration says where:</p>
<pre class="excerpt">builder_enrollment:
  listen: "[::]:2222"</pre>
<p>Then start the coordinator again, and invite the first one:</p>
${command('argunixctl builders invite NAME')}`;
}
