/** A GitLab as far as its API goes: it keeps projects, merge requests, members, hooks and the jobs of pipelines. */
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { ForgeStandIn, StandInMerge, StandInRequest, StandInRole } from '../forge-subject.ts';
import { honestAnswer } from '../honest-answer.ts';
import { createSchemaJudge, Excerpt } from '../schema-judge.ts';
import { type SeenRequest, type StandInAnswer, startStandInServer } from '../stand-in-server.ts';
import operations from './operations.json' with { type: 'json' };
import { createPipelines, type Pipelines } from './pipelines.ts';
import { createProjectHooks, type ProjectHooks } from './stand-in-hooks.ts';

export interface GitLabStandIn extends ForgeStandIn {
  token(): string;
  rotateToken(): void;
  pipelines(slug: RepositorySlug): Pipelines;
  closeRequest(slug: RepositorySlug, number: number): void;
  /** Runs once, right after the next list of merge requests was answered. */
  afterNextList(run: () => void): void;
  /** The commit `sha` has these parents, whatever merge it is. */
  setParents(sha: string, parents: readonly string[]): void;
  spoil(slug: RepositorySlug, id: string, how: Parameters<ProjectHooks['spoil']>[1]): void;
  /** The id of a user, who is made where there is none. */
  userId(login: string): number;
}

interface Project {
  readonly id: number;
  readonly slug: RepositorySlug;
  readonly isPrivate: boolean;
  readonly defaultBranch: string;
  readonly requests: Map<number, StandInRequest>;
  readonly merges: Map<number, StandInMerge>;
  readonly roles: Map<number, number>;
  readonly hooks: ProjectHooks;
  readonly pipelines: Pipelines;
}

const LEVELS: Readonly<Record<StandInRole, number>> = {
  read: 10,
  triage: 20,
  write: 30,
  maintain: 40,
  admin: 50,
};
const API = '/api/v4';

// Compiled once: hundreds of tests have a stand-in each.
const judge = createSchemaJudge(Excerpt.parse(operations), API);

export async function startGitLabStandIn(): Promise<GitLabStandIn> {
  const projects = new Map<string, Project>();
  const users = new Map<string, number>();
  const parents = new Map<string, readonly string[]>();
  let token = 'glpat-first';
  let afterList: (() => void) | undefined;

  function userId(login: string): number {
    const id = users.get(login) ?? users.size + 101;
    users.set(login, id);
    return id;
  }
  function project(slug: RepositorySlug): Project {
    return projects.get(slug) ?? fail(`no project ${slug}`);
  }

  const server = await startStandInServer({
    judge: judge.judgeRequest,
    answer: (request) => honestAnswer(judge, request, answer(request)),
  });

  function answer(request: SeenRequest): StandInAnswer {
    if (request.headers['private-token'] !== token) {
      return { status: 401, body: { message: '401 Unauthorized' } };
    }
    const path = request.path.slice(API.length);
    if (path === '/user') {
      return { status: 200, body: toUser('argunix', 100) };
    }
    if (path === '/users') {
      return { status: 200, body: findUsers(request.query['username'] ?? '') };
    }
    const [, encoded = '', rest = ''] = /^\/projects\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    const found = projects.get(decodeURIComponent(encoded));
    return found === undefined
      ? { status: 404, body: { message: '404 Project Not Found' } }
      : answerProject(found, rest, request);
  }

  /** Finds by the beginning too, as a search does, and everybody for an empty name. */
  function findUsers(login: string): readonly unknown[] {
    return [...users]
      .filter(([name]) => name.toLowerCase().startsWith(login.toLowerCase()))
      .map(([name, id]) => toUser(name, id));
  }

  function answerProject(found: Project, rest: string, request: SeenRequest): StandInAnswer {
    const [, room = '', first = '', second = ''] = rest.split('/');
    switch (room) {
      case '':
        return { status: 200, body: toProject(found) };
      case 'members':
        return answerMember(found, Number(second));
      case 'merge_requests':
        return first === '' ? listRequests(found, request) : answerRequest(found, Number(first), second);
      case 'repository':
        return answerCommit(found, second);
      case 'statuses':
        return found.pipelines.post(first, request.body, isOnBranch(found, first));
      case 'hooks':
        return found.hooks.answer(request, first, `${server.url}${request.path}`);
      default:
        return { status: 404, body: { error: '404 Not Found' } };
    }
  }

  function toProject({ id, slug, isPrivate, defaultBranch }: Project): unknown {
    return {
      id,
      path_with_namespace: slug,
      default_branch: defaultBranch,
      web_url: `${server.url}/${slug}`,
      visibility: isPrivate ? 'private' : 'public',
    };
  }

  function answerMember({ roles }: Project, id: number): StandInAnswer {
    const level = roles.get(id);
    const login = [...users].find(([, other]) => other === id)?.[0];
    return level === undefined || login === undefined
      ? { status: 404, body: { message: '404 Not found' } }
      : { status: 200, body: { ...toUser(login, id), access_level: level } };
  }

  function listRequests(found: Project, { query }: SeenRequest): StandInAnswer {
    const size = Number(query['per_page'] ?? 20);
    const skip = (Number(query['page'] ?? 1) - 1) * size;
    const since = query['created_after'] ?? '';
    const body = [...found.requests.values()]
      .filter(({ isOpen }) => isOpen)
      .toSorted((one, other) => one.number - other.number)
      .map((request) => toRequest(found, request))
      .filter(({ created_at: at }) => at >= since)
      .slice(skip, skip + size);
    const run = afterList;
    afterList = undefined;
    queueMicrotask(() => run?.());
    return { status: 200, body };
  }

  function answerRequest(found: Project, number: number, rest: string): StandInAnswer {
    const request = found.requests.get(number);
    if (request === undefined) {
      return { status: 404, body: { message: '404 Not found' } };
    }
    if (rest === '') {
      return { status: 200, body: toRequest(found, request) };
    }
    const merge = found.merges.get(number) ?? 'working';
    return typeof merge === 'string' || !request.isOpen
      ? { status: 400, body: { message: 'Merge request is not mergeable' } }
      : { status: 200, body: { commit_id: merge.sha } };
  }

  function toRequest(found: Project, request: StandInRequest) {
    const merge = found.merges.get(request.number) ?? 'working';
    const working = merge === 'working' ? 'checking' : 'mergeable';
    return {
      id: 1000 + request.number,
      iid: request.number,
      project_id: found.id,
      title: request.isDraft ? 'Draft: something' : 'Something',
      state: request.isOpen ? 'opened' : 'closed',
      created_at: new Date(Date.parse('2026-01-01T00:00:00Z') + request.number * 1000).toISOString(),
      source_branch: request.headName,
      target_branch: request.baseName,
      source_project_id: request.headSlug === found.slug ? found.id : sourceOf(request),
      target_project_id: found.id,
      author: toUser(request.author, userId(request.author)),
      draft: request.isDraft,
      sha: request.headSha,
      merge_status: merge === 'conflict' ? 'cannot_be_merged' : 'checking',
      detailed_merge_status: merge === 'conflict' ? 'conflict' : working,
    };
  }

  function answerCommit(found: Project, sha: string): StandInAnswer {
    const merged = [...found.merges].find(([, merge]) => typeof merge !== 'string' && merge.sha === sha);
    const head = found.requests.get(merged?.[0] ?? 0)?.headSha;
    return head === undefined
      ? { status: 404, body: { message: '404 Commit Not Found' } }
      : { status: 200, body: { id: sha, parent_ids: parents.get(sha) ?? ['e'.repeat(40), head] } };
  }

  return {
    server,
    token: () => token,
    rotateToken() {
      token = 'glpat-second';
    },
    userId,
    setParents(sha, given) {
      parents.set(sha, given);
    },
    spoil(slug, id, how) {
      project(slug).hooks.spoil(id, how);
    },
    pipelines: (slug) => project(slug).pipelines,
    afterNextList(run) {
      afterList = run;
    },
    addRepository: ({ slug, isPrivate, defaultBranch }) => {
      projects.set(slug, {
        id: projects.size + 1,
        slug,
        isPrivate,
        defaultBranch,
        requests: new Map(),
        merges: new Map(),
        roles: new Map(),
        hooks: createProjectHooks(),
        pipelines: createPipelines(defaultBranch),
      });
    },
    addRequest(slug, request) {
      project(slug).requests.set(request.number, request);
    },
    closeRequest(slug, number) {
      const { requests } = project(slug);
      requests.set(number, { ...(requests.get(number) ?? fail(`no request ${number}`)), isOpen: false });
    },
    setMerge(slug, number, merge) {
      project(slug).merges.set(number, merge);
    },
    grant(slug, login, role) {
      project(slug).roles.set(userId(login), LEVELS[role]);
    },
    addHook: (slug, url) => project(slug).hooks.add(url),
    hooksOf: (slug) => project(slug).hooks.shown(),
    spoilHook(slug, id, how) {
      project(slug).hooks.spoil(id, how);
    },
    checksOf: (slug, sha) => project(slug).pipelines.shown(sha),
  };
}

function sourceOf({ headSlug }: StandInRequest): number | null {
  return headSlug === null ? null : 999;
}

/** A fork's head is in the project by `refs/merge-requests` only. */
function isOnBranch({ slug, requests }: Project, sha: string): boolean {
  return ![...requests.values()].some(({ headSha, headSlug }) => headSha === sha && headSlug !== slug);
}

function toUser(username: string, id: number) {
  return { id, username, name: `The ${username}`, state: 'active' };
}

function fail(sentence: string): never {
  throw new Error(sentence);
}
