/** Asks a forge whether the hook of a repository is as wanted. Changes nothing there. */
import { type HookOf, type HookPorts, hasOurSecret, hookUrl } from './keep-hook.ts';

/** Resolves with the sentence why it is not as wanted; undefined when it is. Throws what the forge throws. */
export async function checkHook(
  { hooks, store, clock, externalUrl }: Pick<HookPorts, 'hooks' | 'store' | 'clock' | 'externalUrl'>,
  { slug, hook, isInDoubt }: HookOf,
  signal: AbortSignal,
): Promise<string | undefined> {
  const url = hookUrl(externalUrl, hook);
  const own = (await hooks.list(slug, signal)).find((one) => one.url === url);
  const at = clock.now();
  if (own === undefined) {
    // One that was never there is no trouble yet: the next look installs it.
    if (hook.url !== null) {
      await store.failed(hook.id, 'It is not there at the forge any more.', at);
    }
    return hook.url === null ? 'It was never installed.' : 'It is not there at the forge any more.';
  }
  if (!own.isComplete) {
    const trouble = `It is not as wanted: ${own.differences.join(', ')}.`;
    await store.failed(hook.id, trouble, at);
    return trouble;
  }
  if (!hasOurSecret(hook, url, isInDoubt)) {
    return 'It is there; whether it has our secret is not known. The next look, or a repair, sets it.';
  }
  await store.installed(hook.id, { forgeId: own.id, url, at });
  return undefined;
}
