/**
 * What an operator asks about hooks at forges, and has done. One thing at a time for each hook, also against what is done
 * to it by itself: two who set it up at once would make two of it.
 */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { CommandVerdict } from '../ports/commands.ts';
import type { KeptHook } from '../ports/hook-store.ts';
import { checkHook } from './check-hook.ts';
import { type HookOf, type HookPorts, keepHook } from './keep-hook.ts';

/** A hook of the configuration, and how it is reached. */
export interface HookPlace {
  readonly hook: KeptHook;
  /** Null: of a GitHub App, for all repositories of its forge. */
  readonly slug: RepositorySlug | null;
  readonly forgeKind: string;
  readonly isInDoubt: boolean;
  readonly ports: HookPorts;
  /** Sets the hook of the App; its secret cannot be read, so this is also how it is checked. */
  readonly setAppHook: ((signal: AbortSignal) => Promise<void>) | null;
}

/** Of one repository, or of the GitHub App of a forge. */
export interface HookName {
  readonly forge: string;
  readonly slug: string | null;
}

export interface AdministeredHook {
  readonly hook: KeptHook;
  readonly slug: RepositorySlug | null;
  /** What came of it, in a sentence. */
  readonly message: string;
}

type Verdict = CommandVerdict<AdministeredHook>;

export interface HookAdministration {
  all(): readonly Omit<AdministeredHook, 'message'>[];
  /** Asks the forge now. */
  check(name: HookName): Promise<Verdict>;
  /** Installs it anew. */
  repair(name: HookName): Promise<Verdict>;
  /** Gives it another secret, and installs that; what was signed with the one before is taken once more. */
  rotate(name: HookName): Promise<Verdict>;
}

export interface AdministerHooksPorts {
  /** As of now. */
  readonly places: () => readonly HookPlace[];
  /** What is stored may have changed. */
  readonly reload: () => void;
  readonly hold: <Result>(hookId: string, work: () => Promise<Result>) => Promise<Result>;
  /** Nothing is changed at forges. */
  readonly isDryRun: () => boolean;
  readonly signal: AbortSignal;
}

export function administerHooks(ports: AdministerHooksPorts): HookAdministration {
  const { places, reload, hold, signal } = ports;
  const find = ({ forge, slug }: HookName): HookPlace | undefined =>
    places().find((place) => place.hook.forge === forge && place.slug === slug);

  /** `act` throws what the forge throws, and answers with the sentence of what came of it. */
  async function withHook(name: HookName, act: (place: HookPlace) => Promise<string>): Promise<Verdict> {
    const known = find(name);
    if (known === undefined) {
      return { kind: 'not_found' };
    }
    return await hold(known.hook.id, async () => {
      const place = find(name) ?? known;
      let message: string;
      try {
        message = await act(place);
      } catch (error) {
        if (!isAppError(error)) {
          throw error;
        }
        const { store, clock } = place.ports;
        await store.failed(place.hook.id, messageOf(error), clock.now());
        reload();
        return { kind: 'refused', reason: messageOf(error) };
      }
      reload();
      const { hook, slug } = find(name) ?? place;
      return { kind: 'done', hook, slug, message };
    });
  }

  async function install(place: HookPlace): Promise<string> {
    if (place.setAppHook !== null) {
      await place.setAppHook(signal);
      return 'It was set anew.';
    }
    const verdict = await keepHook(place.ports, { ...hookOf(place), isInDoubt: true }, signal);
    return verdict.kind === 'good'
      ? 'It is as wanted.'
      : `It was installed anew: ${verdict.differences.join(', ')}.`;
  }

  return {
    all: () => places().map(({ hook, slug }) => ({ hook, slug })),
    check: (name) =>
      withHook(name, async (place) =>
        place.setAppHook === null
          ? ((await checkHook(place.ports, hookOf(place), signal)) ?? 'It is as wanted.')
          : 'The hook of a GitHub App cannot be asked for its secret: a repair sets it.',
      ),
    repair: async (name) => refuseInDryRun(ports) ?? (await withHook(name, install)),
    rotate: async (name) =>
      refuseInDryRun(ports) ??
      (await withHook(name, async (place) => {
        await place.ports.store.rotate(place.hook.id);
        reload();
        await install(find(name) ?? place);
        return 'It has another secret from now on.';
      })),
  };
}

function hookOf({ hook, slug, forgeKind, isInDoubt }: HookPlace): HookOf {
  if (slug === null) {
    throw new Error('the hook of a GitHub App is of no repository');
  }
  return { hook, slug, forgeKind, isInDoubt };
}

function refuseInDryRun({ isDryRun }: AdministerHooksPorts): Verdict | undefined {
  return isDryRun() ? { kind: 'refused', reason: 'dry_run is on: nothing is changed at forges.' } : undefined;
}
