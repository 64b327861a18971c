/** A Gitea or a Forgejo as far as its API goes: it keeps repositories, pull requests, permissions, hooks and statuses. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { z } from 'zod';
import type { ForgeStandIn, ShownCheck, StandInRequest, StandInRole } from '../forge-subject.ts';
import { honestAnswer } from '../honest-answer.ts';
import { createSchemaJudge, Excerpt } from '../schema-judge.ts';
import { type SeenRequest, type StandInAnswer, startStandInServer } from '../stand-in-server.ts';
import forgejo from './forgejo-operations.json' with { type: 'json' };
import gitea from './gitea-operations.json' with { type: 'json' };
import { createRepositoryHooks, type GiteaKind, type RepositoryHooks } from './stand-in-hooks.ts';

export interface GiteaStandIn extends ForgeStandIn {
  token(): string;
  rotateToken(): void;
  closeRequest(slug: RepositorySlug, number: number): void;
  spoil(slug: RepositorySlug, id: string, how: Parameters<RepositoryHooks['spoil']>[1]): void;
  /** The owner is seen by those who have an account. */
  hideOwner(slug: RepositorySlug): void;
  /** Runs once, right after the next page of pull requests was answered. */
  afterNextPage(run: () => void): void;
}

interface Repository {
  readonly id: number;
  readonly slug: RepositorySlug;
  readonly isPrivate: boolean;
  readonly defaultBranch: string;
  readonly requests: Map<number, StandInRequest>;
  readonly permissions: Map<string, string>;
  readonly hooks: RepositoryHooks;
  readonly statuses: Map<string, ShownCheck[]>;
}

const PERMISSIONS: Readonly<Record<StandInRole, string>> = {
  read: 'read',
  triage: 'read',
  write: 'write',
  maintain: 'write',
  admin: 'admin',
};
/** What a server gives unless its owner sets another number. */
const LARGEST_PAGE = 50;
const API = '/api/v1';

const Status = z.object({
  state: z.string(),
  context: z.string().default('default'),
  description: z.string().default(''),
  target_url: z.string().default(''),
});
const STATES = ['pending', 'success', 'error', 'failure', 'warning', 'skipped'];

// Each is compiled once: hundreds of tests have a stand-in each.
const JUDGES = {
  gitea: once(() => createSchemaJudge(Excerpt.parse(gitea), API)),
  forgejo: once(() => createSchemaJudge(Excerpt.parse(forgejo), API)),
};

function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

export async function startGiteaStandIn(kind: GiteaKind): Promise<GiteaStandIn> {
  const judge = JUDGES[kind]();
  const repositories = new Map<string, Repository>();
  const hidden = new Set<string>();
  let token = 'first-token';
  let afterPage: (() => void) | undefined;

  function repository(slug: RepositorySlug): Repository {
    return repositories.get(slug) ?? fail(`no repository ${slug}`);
  }

  const server = await startStandInServer({
    judge: judge.judgeRequest,
    answer: (request) => honestAnswer(judge, request, answer(request)),
  });

  function answer(request: SeenRequest): StandInAnswer {
    if (request.headers['authorization'] !== `token ${token}`) {
      return { status: 401, body: { message: 'invalid username, password or token' } };
    }
    const path = request.path.slice(API.length);
    if (path === '/user') {
      return { status: 200, body: toUser('argunix') };
    }
    const [, room = '', owner = '', name = '', ...rest] = path.split('/').map(decodeURIComponent);
    const found = room === 'repos' ? repositories.get(`${owner}/${name}`) : undefined;
    return found === undefined ? NOT_FOUND : answerRepository(found, rest, request);
  }

  function answerRepository(found: Repository, rest: readonly string[], request: SeenRequest): StandInAnswer {
    const [room = '', first = ''] = rest;
    switch (room) {
      case '':
        return { status: 200, body: toRepository(found.slug, found) };
      case 'pulls':
        return listPulls(found, request);
      case 'collaborators': {
        const permission = found.permissions.get(first);
        return permission === undefined
          ? NOT_FOUND
          : { status: 200, body: { permission, role_name: permission, user: toUser(first) } };
      }
      case 'statuses':
        return addStatus(found, first, request.body);
      case 'hooks':
        return found.hooks.answer(request, first, `${server.url}${request.path}`);
      default:
        return NOT_FOUND;
    }
  }

  function toRepository(slug: string, { id, isPrivate, defaultBranch }: Omit<Repository, 'slug'>): unknown {
    return {
      id,
      full_name: slug,
      private: isPrivate,
      internal: false,
      default_branch: defaultBranch,
      html_url: `${server.url}/${slug}`,
      owner: { ...toUser(slug.split('/')[0] ?? ''), visibility: hidden.has(slug) ? 'limited' : 'public' },
    };
  }

  function listPulls(found: Repository, { query }: SeenRequest): StandInAnswer {
    const size = Math.min(Number(query['limit'] ?? 30), LARGEST_PAGE);
    const page = Number(query['page'] ?? 1);
    const open = [...found.requests.values()]
      .filter(({ isOpen }) => isOpen)
      .toSorted((one, other) =>
        query['sort'] === 'oldest' ? one.number - other.number : other.number - one.number,
      );
    const run = afterPage;
    afterPage = undefined;
    queueMicrotask(() => run?.());
    return {
      status: 200,
      headers: { 'x-total-count': String(open.length) },
      body: open.slice((page - 1) * size, page * size).map((request) => toPull(found, request)),
    };
  }

  function toPull(found: Repository, { headSlug, ...request }: StandInRequest): unknown {
    const head = headSlug === null ? null : toRepository(headSlug, found);
    return {
      id: 1000 + request.number,
      number: request.number,
      title: request.isDraft ? 'WIP: something' : 'Something',
      draft: request.isDraft,
      state: request.isOpen ? 'open' : 'closed',
      user: toUser(request.author),
      head: {
        label: request.headName,
        ref: head === null ? `refs/pull/${request.number}/head` : request.headName,
        sha: request.headSha,
        repo_id: head === null ? -1 : found.id,
        repo: head,
      },
      base: {
        label: request.baseName,
        ref: request.baseName,
        sha: 'e'.repeat(40),
        repo_id: found.id,
        repo: toRepository(found.slug, found),
      },
    };
  }

  return {
    server,
    token: () => token,
    rotateToken() {
      token = 'second-token';
    },
    hideOwner(slug) {
      hidden.add(slug);
    },
    spoil(slug, id, how) {
      repository(slug).hooks.spoil(id, how);
    },
    afterNextPage(run) {
      afterPage = run;
    },
    addRepository: ({ slug, isPrivate, defaultBranch }) => {
      repositories.set(slug, {
        id: repositories.size + 1,
        slug,
        isPrivate,
        defaultBranch,
        requests: new Map(),
        permissions: new Map(),
        hooks: createRepositoryHooks(kind),
        statuses: new Map(),
      });
    },
    addRequest(slug, request) {
      repository(slug).requests.set(request.number, request);
    },
    closeRequest(slug, number) {
      const { requests } = repository(slug);
      requests.set(number, { ...(requests.get(number) ?? fail(`no request ${number}`)), isOpen: false });
    },
    setMerge() {
      // It has none to be asked for.
    },
    grant(slug, login, role) {
      repository(slug).permissions.set(login, PERMISSIONS[role]);
    },
    addHook: (slug, url) => repository(slug).hooks.add(url),
    hooksOf: (slug) => repository(slug).hooks.shown(),
    spoilHook(slug, id, how) {
      repository(slug).hooks.spoil(id, how);
    },
    checksOf: (slug, sha) => {
      const newest = new Map(
        (repository(slug).statuses.get(sha) ?? []).map((status) => [status.context, status]),
      );
      return [...newest.values()];
    },
  };
}

const NOT_FOUND: StandInAnswer = { status: 404, body: { message: "The target couldn't be found." } };

/** Every post is one more; the newest of a context is shown. */
function addStatus({ statuses }: Repository, sha: string, body: unknown): StandInAnswer {
  const { state, context, description, target_url: url } = Status.parse(body);
  if (!STATES.includes(state)) {
    return { status: 422, body: { message: `invalid commit status state: ${state}` } };
  }
  statuses.set(sha, [...(statuses.get(sha) ?? []), { context, state, description, url }]);
  return { status: 201, body: { id: 1, status: state, context, description, target_url: url } };
}

function toUser(login: string) {
  return { id: 100, login, full_name: `The ${login}` };
}

function fail(sentence: string): never {
  throw new Error(sentence);
}
