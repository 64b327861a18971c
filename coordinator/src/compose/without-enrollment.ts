import type { AdministeredBuilders } from '../adapters/http/builder-command-routes.ts';
import type { BuilderStore } from '../ports/builder-store.ts';

const NOT_CONFIGURED =
  'builder_enrollment is not configured, so no builder of another host can join: add it to the configuration and start the coordinator again.';

function refuse(): Promise<{ readonly kind: 'refused'; readonly reason: string }> {
  return Promise.resolve({ kind: 'refused', reason: NOT_CONFIGURED });
}

/** Where no builder can enroll: those of before are still listed, and nothing can be decided about them. */
export function withoutEnrollment(store: BuilderStore): AdministeredBuilders {
  return {
    enrolled: () => store.all(),
    presence: { of: () => undefined, refusals: () => [], address: null },
    hostKey: null,
    administration: {
      invite: refuse,
      drain: refuse,
      resume: refuse,
      rename: refuse,
      revoke: refuse,
      unrevoke: refuse,
      remove: refuse,
    },
  };
}
