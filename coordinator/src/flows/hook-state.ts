import type { KeptHook } from '../ports/hook-store.ts';
import type { HookState } from '../ports/repository-description.ts';

/** How a hook is, as far as we know: no forge is asked. */
export function hookState({ url, trouble, checkedAt, deliveredAt }: KeptHook): HookState {
  const whole = url === null ? 'never_installed' : 'good';
  return { state: trouble === null ? whole : 'trouble', trouble, checkedAt, deliveredAt };
}
