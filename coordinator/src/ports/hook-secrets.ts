import type { Secret } from '@argunix/shared/kit/secret';

/** What only this coordinator and the forge know of a hook. It follows from a key in the state directory: no store holds it. */
export interface HookSecrets {
  secretOf(hook: { readonly id: string; readonly generation: number }): Secret;
}
