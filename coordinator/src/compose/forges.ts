/**
 * The forges of the configuration, each with its health and with whoever tells it what is to be shown. When the
 * configuration changes, only those are opened anew that it changes; the others read their credential again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { createForgeHealth, type ForgeHealth } from '../flows/forge-health.ts';
import { guardedAppHook, guardedForge, guardedHooks } from '../flows/guarded-forge.ts';
import { type CheckPoster, createCheckPoster, type PostPorts } from '../flows/post-checks.ts';
import type { Forge } from '../ports/forge.ts';
import type { ForgeRequests } from '../ports/forge-administration.ts';
import type { AppHook, ForgeHooks } from '../ports/forge-hooks.ts';
import { openForge, type RealForgeSettings } from './open-forge.ts';

export interface ComposedForge {
  readonly settings: RealForgeSettings;
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  readonly appHook: AppHook | null;
  readonly health: ForgeHealth;
  readonly poster: CheckPoster;
  readonly requests: () => ForgeRequests;
}

export interface ForgesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly posting: Pick<PostPorts, 'checks' | 'slugOf' | 'summaryOf' | 'externalIdOf' | 'refOf'>;
  /** Whether forges are told anything. */
  readonly isDryRun: boolean;
  readonly retryMs: () => number;
  readonly asked: (forge: string, outcome: number | 'unreachable') => void;
  onHealth(): void;
}

export interface Forges {
  follow(wanted: readonly RealForgeSettings[]): Promise<void>;
  get(name: string): ComposedForge | undefined;
  all(): readonly ComposedForge[];
  /** When nothing is under way any more, once the signal has aborted. */
  ended(): Promise<void>;
}

// GitHub asks for a second between requests that make something, and counts 80 of them a minute.
const GITHUB_GAP_MS = 750;
const AT_ONCE = 4;

interface Running extends ComposedForge {
  readonly controller: AbortController;
  close(): Promise<void>;
}

export function createForges(options: ForgesOptions, stopping: AbortSignal): Forges {
  const { clock, log } = options;
  const running = new Map<string, Running>();
  /** By name: what was under way there ends before another of that name tells anything. */
  const closing = new Map<string, Promise<void>>();

  async function open(settings: RealForgeSettings): Promise<Running> {
    const { name, kind } = settings;
    const controller = new AbortController();
    const signal = AbortSignal.any([stopping, controller.signal]);
    let requests: ForgeRequests = { sent: 0, refused: 0, failed: 0 };
    const opened = await openForge(settings, clock, (outcome) => {
      requests = counted(requests, outcome);
      options.asked(name, outcome);
    });
    const health = createForgeHealth(
      { forge: opened.forge, clock, log, probeMs: options.retryMs(), onChange: options.onHealth },
      signal,
    );
    const forge = guardedForge(opened.forge, health);
    const pace = {
      atOnce: AT_ONCE,
      gapMs: kind === 'github' ? GITHUB_GAP_MS : 0,
      get retryMs() {
        return options.retryMs();
      },
    };
    const poster: CheckPoster = options.isDryRun
      ? { wake: () => undefined, ended: () => Promise.resolve() }
      : createCheckPoster({ ...options.posting, forge, health, clock, log, pace }, signal);
    return {
      settings,
      forge,
      hooks: guardedHooks(opened.hooks, health),
      appHook: opened.appHook === null ? null : guardedAppHook(opened.appHook, health),
      health,
      poster,
      requests: () => requests,
      controller,
      close: () => opened.close(),
    };
  }

  function close(one: Running): void {
    const { name } = one.settings;
    one.controller.abort();
    const closed = closeAfter(closing.get(name), one).finally(() => {
      if (closing.get(name) === closed) {
        closing.delete(name);
      }
    });
    closing.set(name, closed);
  }

  async function closeAfter(before: Promise<void> | undefined, one: Running): Promise<void> {
    await before;
    try {
      await one.poster.ended();
      await one.close();
    } catch (error) {
      log.warn({ err: error, forge: one.settings.name }, 'a forge did not close');
    }
  }

  return {
    follow: async (wanted) => {
      for (const [name, one] of running) {
        const settings = wanted.find((candidate) => candidate.name === name);
        if (settings === undefined || !isDeepStrictEqual(identityOf(settings), identityOf(one.settings))) {
          running.delete(name);
          close(one);
        } else {
          one.forge.refresh();
          // Whoever reloads may have put a new token in place.
          if (one.health.pause !== undefined) {
            void one.health.resume();
          }
        }
      }
      for (const settings of wanted) {
        await closing.get(settings.name);
        const known = running.get(settings.name);
        running.set(settings.name, known === undefined ? await open(settings) : { ...known, settings });
      }
    },
    get: (name) => running.get(name),
    all: () => [...running.values()],
    ended: async () => {
      for (const one of running.values()) {
        close(one);
      }
      await Promise.all(closing.values());
    },
  };
}

function counted({ sent, refused, failed }: ForgeRequests, outcome: number | 'unreachable'): ForgeRequests {
  const hasFailed = outcome === 'unreachable' || outcome >= 500;
  const isRefused = outcome !== 'unreachable' && outcome >= 400 && outcome < 500;
  return { sent: sent + 1, refused: refused + Number(isRefused), failed: failed + Number(hasFailed) };
}

/** What makes it another forge; its repositories do not. */
function identityOf({ kind, name, webUrl, auth }: RealForgeSettings): object {
  return { kind, name, webUrl, auth };
}
