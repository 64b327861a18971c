import { ReloadView } from '@argunix/shared/control-api/reload-view';
import type { Command } from '../command.ts';

export const reload: Command = async ({ client, print }) => {
  const view = await client.post('/api/v1/reload', ReloadView);
  if (print.isJson) {
    print.json(view);
    return;
  }
  for (const warning of view.warnings) {
    print.sentence(`warning: ${warning}`);
  }
  const changes = [...view.applied, ...view.needs_restart];
  for (const sentence of changes.length === 0 ? ['Nothing changed.'] : changes) {
    print.sentence(sentence);
  }
};
