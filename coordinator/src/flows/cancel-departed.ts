import { LIVING_STATUSES } from '@argunix/shared/domain/evaluation-status';
import { LEFT_CONFIGURATION } from '../domain/left-configuration.ts';
import type { SettingsOf } from '../ports/settings.ts';
import { type CancelPorts, cancelEvaluation } from './cancel-evaluation.ts';

/**
 * Ends what lives of repositories that left the configuration, builds under way among it. It goes by what the
 * configuration says as each is ended: one that came back meanwhile loses nothing more. May be called again.
 */
export async function cancelDeparted(
  ports: CancelPorts & { readonly settingsOf: SettingsOf },
): Promise<void> {
  for (const { id, repositoryId } of ports.evaluations.living(LIVING_STATUSES)) {
    if (ports.settingsOf(repositoryId) === undefined) {
      await cancelEvaluation(ports, id, LEFT_CONFIGURATION);
    }
  }
}
