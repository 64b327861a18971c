/**
 * A forge in memory: it answers what it holds, or whatever trouble a test wants of it, counts what it is asked, and keeps
 * in order what it was told. It fails the test that tells it two things of one line at once.
 */
import type { GitRef } from '@argunix/shared/domain/git-ref';
import type { Sha } from '@argunix/shared/domain/sha';
import { AppError } from '@argunix/shared/kit/app-error';
import { Secret } from '@argunix/shared/kit/secret';
import type { Login, OpenRequest } from '../../src/domain/forge-event.ts';
import type { Forge, ForgeCheck, MergeResult, RepositoryFacts } from '../../src/ports/forge.ts';
import type { ForgeHooks, FoundHook, WantedHook } from '../../src/ports/forge-hooks.ts';

export const TROUBLES = [
  'unauthorized',
  'forbidden',
  'rate-limited',
  'unreachable',
  'failed',
  'refused',
] as const;
export type Trouble = (typeof TROUBLES)[number];

export type Question =
  | 'probe'
  | 'repository'
  | 'openRequests'
  | 'mayPush'
  | 'mergeResult'
  | 'post'
  | 'cloneCredential'
  | 'hooks.list'
  | 'hooks.create'
  | 'hooks.replace'
  | 'hooks.remove';

type Quick = Trouble | 'hang' | 'lost' | undefined;
/** `hang`: no answer before the signal aborts. `lost`: done, and then unreachable. A promise: the answer takes so long. */
export type Mood = Quick | Promise<Quick>;

export interface ToldCheck extends ForgeCheck {
  readonly slug: string;
}

export interface FakeForge {
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  /** Asked before each answer; by default all is well. */
  mood: (question: Question, about: string) => Mood;
  /** What `retryAfterMs` says of a rate limit. */
  retryAfterMs: unknown;
  readonly asked: Map<Question, number>;
  readonly told: ToldCheck[];
  /** What went wrong that the one who tells must never do. */
  readonly faults: string[];
  facts: RepositoryFacts;
  requests: OpenRequest[];
  readonly pushers: Set<Login>;
  merge: MergeResult;
  readonly found: (FoundHook & { readonly secret?: string })[];
  refreshed: number;
  /** What it shows below a commit, by context. */
  shown(sha: Sha): ReadonlyMap<string, ToldCheck>;
}

export function createFakeForge(
  options: { readonly name?: string; readonly showsMarkdown?: boolean; readonly usesHandles?: boolean } = {},
): FakeForge {
  const { name = 'forge', showsMarkdown = false, usesHandles = false } = options;
  const underWay = new Set<string>();
  let lastId = 0;

  async function answer<T>(
    question: Question,
    about: string,
    signal: AbortSignal,
    work: () => T,
  ): Promise<T> {
    fake.asked.set(question, (fake.asked.get(question) ?? 0) + 1);
    signal.throwIfAborted();
    const asked = fake.mood(question, about);
    const mood = asked instanceof Promise ? await beforeAbort(signal, asked) : asked;
    if (mood === 'hang') {
      await beforeAbort(signal);
    }
    // Nobody answers in the turn in which they were asked.
    await Promise.resolve();
    signal.throwIfAborted();
    if (mood === 'lost') {
      work();
      throw new AppError('forge.unreachable', `${name}: the connection broke.`, { forge: name });
    }
    if (typeof mood === 'string' && mood !== 'hang') {
      const details = {
        forge: name,
        ...(mood === 'rate-limited' ? { retryAfterMs: fake.retryAfterMs } : {}),
      };
      throw new AppError(`forge.${mood}`, `${name}: ${question} was answered with ${mood}.`, details);
    }
    return work();
  }

  function place(wanted: WantedHook, id: string): void {
    fake.found.push({
      id,
      url: wanted.url,
      isComplete: true,
      differences: [],
      secret: wanted.secret.reveal(),
    });
  }
  function nextId(): string {
    lastId += 1;
    return String(lastId);
  }
  function take(id: string): void {
    const at = fake.found.findIndex((hook) => hook.id === id);
    if (at >= 0) {
      fake.found.splice(at, 1);
    }
  }
  function tell(slug: string, check: ForgeCheck): string | null {
    fake.told.push({ ...check, slug });
    return usesHandles ? (check.handle ?? nextId()) : null;
  }

  const fake: FakeForge = {
    mood: () => undefined,
    retryAfterMs: 60_000,
    asked: new Map(),
    told: [],
    faults: [],
    facts: {
      isPrivate: false,
      defaultBranch: 'refs/heads/main' as GitRef,
      webUrl: 'https://forge.test/demo/sample',
    },
    requests: [],
    pushers: new Set(),
    merge: { kind: 'none', reason: 'It makes none.' },
    found: [],
    refreshed: 0,
    shown: (sha) =>
      new Map(fake.told.filter((check) => check.sha === sha).map((check) => [check.context, check])),
    forge: {
      name,
      kind: 'forgejo',
      showsMarkdown,
      links: {
        repository: (slug) => `https://forge.test/${slug}`,
        commit: (slug, sha) => `https://forge.test/${slug}/commit/${sha}`,
        branch: (slug, branch) => `https://forge.test/${slug}/branch/${branch}`,
        tag: (slug, tag) => `https://forge.test/${slug}/tag/${tag}`,
        request: (slug, number) => `https://forge.test/${slug}/pulls/${number}`,
      },
      probe: (signal) => answer('probe', '', signal, () => undefined),
      repository: (slug, signal) => answer('repository', slug, signal, () => fake.facts),
      openRequests: (slug, signal) => answer('openRequests', slug, signal, () => fake.requests),
      mayPush: (_slug, login, signal) => answer('mayPush', login, signal, () => fake.pushers.has(login)),
      mergeResult: (_slug, { number }, signal) =>
        answer('mergeResult', String(number), signal, () => fake.merge),
      headRef: (number) => `refs/pull/${number}/head`,
      post: async (slug, check, signal) => {
        const line = `${slug} ${check.sha} ${check.context}`;
        if (underWay.has(line)) {
          fake.faults.push(`${line} is told twice at once`);
        }
        underWay.add(line);
        try {
          return await answer('post', line, signal, () => tell(slug, check));
        } finally {
          underWay.delete(line);
        }
      },
      cloneUrl: (slug) => `https://forge.test/${slug}.git`,
      cloneCredential: (slug, signal) =>
        answer('cloneCredential', slug, signal, () => ({ username: 'ci', password: new Secret('token') })),
      refresh: () => {
        fake.refreshed += 1;
      },
    },
    hooks: {
      list: (slug, signal) => answer('hooks.list', slug, signal, () => [...fake.found]),
      create: (_slug, wanted, signal) =>
        answer('hooks.create', wanted.url, signal, () => {
          const id = nextId();
          place(wanted, id);
          return id;
        }),
      replace: (_slug, id, wanted, signal) =>
        answer('hooks.replace', wanted.url, signal, () => {
          take(id);
          place(wanted, id);
          return id;
        }),
      remove: (_slug, id, signal) => answer('hooks.remove', id, signal, () => take(id)),
    },
  };
  return fake;
}

async function beforeAbort(signal: AbortSignal, answer?: Promise<Quick>): Promise<Quick> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await (answer === undefined ? promise : Promise.race([promise, answer]));
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
