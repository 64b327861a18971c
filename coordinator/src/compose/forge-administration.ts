import type { Configuration } from '../config/configuration.ts';
import type { CheckStore } from '../ports/check-store.ts';
import type { ForgeAdministration, ForgeState } from '../ports/forge-administration.ts';
import type { Forges } from './forges.ts';

/** What an operator sees of forges, those without a forge included, and may ask of them. */
export function createForgeAdministration({
  forges,
  checks,
  current,
}: {
  readonly forges: Pick<Forges, 'get'>;
  readonly checks: Pick<CheckStore, 'backlog'>;
  readonly current: () => Configuration;
}): ForgeAdministration {
  return {
    all: () => {
      const backlog = new Map(checks.backlog().map((one) => [one.forge, one]));
      return current().forges.map((settings): ForgeState => {
        const { name, kind } = settings;
        const composed = forges.get(name);
        const waiting = backlog.get(name);
        return {
          name,
          kind,
          webUrl: settings.kind === 'git' ? null : settings.webUrl,
          pause: composed?.health.pause ?? null,
          checksWaiting: waiting?.count ?? 0,
          oldestCheckAt: waiting?.oldestAt ?? null,
          requests: composed?.requests() ?? { sent: 0, refused: 0, failed: 0 },
        };
      });
    },
    resume: async (name) => {
      const composed = forges.get(name);
      if (composed === undefined) {
        return current().forges.some((one) => one.name === name)
          ? { kind: 'refused', reason: `${name} is of kind git: it has no credential that could be refused.` }
          : { kind: 'not_found' };
      }
      const wasPaused = composed.health.pause !== undefined;
      const trouble = await composed.health.resume();
      if (trouble !== undefined) {
        return { kind: 'refused', reason: `${name} still does not work: ${trouble}` };
      }
      return {
        kind: 'done',
        message: wasPaused
          ? `${name} works again; what it is to be told is on its way.`
          : `${name} was not paused, and works.`,
      };
    },
  };
}
