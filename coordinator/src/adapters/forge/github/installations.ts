/**
 * The installations of a GitHub App and their tokens. Each token is asked for once, however many wait for it, and again
 * well before it ends. Nothing is kept of a repository without an installation, so one is seen as soon as it is there.
 */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { AppError, isAppError } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import { Secret } from '@argunix/shared/kit/secret';
import { z } from 'zod';
import type { ForgeHttp } from '../forge-http.ts';
import { readAnswer } from '../read-answer.ts';
import { WireNumber } from '../wire-values.ts';
import { repositoryPath } from './addresses.ts';
import type { AppJwt } from './app-jwt.ts';
import type { Caller, Credentials } from './credentials.ts';
import { headersFor } from './headers.ts';
import { createShelf } from './shelf.ts';

// A token has an hour. What a git process is given has to last for a long clone.
const LEAST_LEFT_MS = 15 * 60_000;

const Installation = z.object({ id: WireNumber, suspended_at: z.string().nullish().catch(null) });
const AccessToken = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

type RepositoryCaller = Exclude<Caller, { kind: 'app' }>;

interface Token {
  readonly secret: Secret;
  readonly expiresAt: number;
}

export interface InstallationCredentials extends Credentials {
  /** Asks anew for the installation of every repository that was asked for. */
  readonly refreshInstallations: (signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

export function createInstallationCredentials(options: {
  readonly forge: string;
  readonly jwt: AppJwt;
  readonly http: ForgeHttp;
  readonly clock: Clock;
}): InstallationCredentials {
  const { forge, jwt, http, clock } = options;
  // Many wait for one answer, so it is not one caller's signal that ends the question.
  const life = new AbortController();
  const asked = new Map<string, RepositorySlug>();
  const ids = createShelf<number>();
  const tokens = createShelf<Token>();

  async function findId(slug: RepositorySlug): Promise<number> {
    const answer = await http.send({
      method: 'GET',
      path: `${repositoryPath(slug)}/installation`,
      headers: headersFor(await jwt.get()),
      answers: [404],
      signal: life.signal,
    });
    if (answer.status === 404) {
      throw forbidden(forge, slug, `the App is not installed for ${slug}`);
    }
    const found = readAnswer(forge, 'an installation', Installation, answer);
    if (typeof found.suspended_at === 'string') {
      throw forbidden(forge, slug, `the installation of the App for ${slug} is suspended`);
    }
    return found.id;
  }

  async function idOf(slug: RepositorySlug): Promise<number> {
    asked.set(slug.toLowerCase(), slug);
    return await ids.get(slug.toLowerCase(), async () => await findId(slug));
  }

  async function seek(slug: RepositorySlug): Promise<void> {
    try {
      await idOf(slug);
    } catch (error) {
      // Whoever uses that repository is told; here it is one of many.
      if (!isAppError(error) || error.code !== 'forge.forbidden') {
        throw error;
      }
    }
  }

  async function askForToken(id: number, caller: RepositoryCaller): Promise<Token> {
    const name = caller.slug.split('/').at(-1);
    const answer = await http.send({
      method: 'POST',
      path: `/app/installations/${id}/access_tokens`,
      headers: headersFor(await jwt.get()),
      ...(caller.kind === 'clone'
        ? { body: { repositories: [name], permissions: { contents: 'read' } } }
        : {}),
      needs: 'the installation of the App was suspended or removed',
      signal: life.signal,
    });
    const { token, expires_at: end } = readAnswer(forge, 'a token of an installation', AccessToken, answer);
    return { secret: new Secret(token), expiresAt: Date.parse(end) };
  }

  async function tokenOf(caller: RepositoryCaller): Promise<Token> {
    const id = await idOf(caller.slug);
    const key = tokenKey(id, caller);
    const kept = tokens.peek(key);
    if (kept !== undefined && kept.expiresAt - clock.now() < LEAST_LEFT_MS) {
      tokens.drop(key);
    }
    return await tokens.get(key, async () => await askForToken(id, caller));
  }

  async function repositoryToken(caller: RepositoryCaller): Promise<Secret> {
    try {
      return (await tokenOf(caller)).secret;
    } catch (error) {
      if (!isAppError(error) || error.details['status'] !== 404) {
        throw error;
      }
      // Installed anew, it has another id.
      ids.drop(caller.slug.toLowerCase());
      return (await tokenOf(caller)).secret;
    }
  }

  return {
    bearer: async (caller, signal) => {
      signal.throwIfAborted();
      const secret = caller.kind === 'app' ? jwt.get() : repositoryToken(caller);
      return await orAborted(secret, signal);
    },
    discard: (caller, refused) => {
      const id = caller.kind === 'app' ? undefined : ids.peek(caller.slug.toLowerCase());
      if (caller.kind === 'app' || id === undefined) {
        return false;
      }
      const key = tokenKey(id, caller);
      // Another caller may have a new one by now, and that one stays.
      if (tokens.peek(key)?.secret === refused) {
        tokens.drop(key);
      }
      return true;
    },
    refresh: () => {
      jwt.forget();
      ids.clear();
      tokens.clear();
    },
    refreshInstallations: async (signal) => {
      ids.clear();
      tokens.clear();
      for (const slug of asked.values()) {
        await orAborted(seek(slug), signal);
      }
    },
    close: () => {
      life.abort(new AppError('forge.unreachable', `${forge}: closed.`, { forge }));
    },
  };
}

function tokenKey(id: number, { kind, slug }: RepositoryCaller): string {
  return kind === 'clone' ? `${id} ${slug.toLowerCase()}` : String(id);
}

function forbidden(forge: string, slug: RepositorySlug, sentence: string): AppError {
  return new AppError('forge.forbidden', `${forge}: ${sentence}.`, { forge, slug });
}

/** What waits goes on without this caller. */
async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const ending = Promise.withResolvers<never>();
  function end(): void {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is what its owner gave
    ending.reject(signal.reason);
  }
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) {
    end();
  }
  try {
    return await Promise.race([promise, ending.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
