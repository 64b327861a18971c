/** A server that answers as GitHub does, as far as we ask, and judges every request by GitHub's own description. */

import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import type { Clock } from '@argunix/shared/kit/clock';
import type { ForgeStandIn, ShownCheck, StandInHook } from '../forge-subject.ts';
import { type SeenRequest, type StandInAnswer, startStandInServer } from '../stand-in-server.ts';
import { APP_ROUTES } from './app-routes.ts';
import { CHECK_ROUTES } from './check-routes.ts';
import { HOOK_ROUTES } from './hook-routes.ts';
import { QUESTION_ROUTES } from './question-routes.ts';
import { API_PATH, gitHubJudge } from './recorded.ts';
import { type AppState, type Asked, NOT_FOUND, type Route } from './route.ts';
import { emptyState, type KeptRepository, newRepository, takeId } from './state.ts';
import { type Asking, createDoorkeeper, type Doorkeeper } from './who-asks.ts';

const ROUTES: Readonly<Record<string, Route>> = {
  ...QUESTION_ROUTES,
  ...CHECK_ROUTES,
  ...HOOK_ROUTES,
  ...APP_ROUTES,
};

// The description of lists says that a head always has a repository; that of one request knows better.
const FORK_IS_GONE = /\/head\/repo: must be object/;

export interface GitHubStandIn extends ForgeStandIn {
  readonly keeper: Doorkeeper;
  readonly app: AppState;
  /** A run of another App, as after a change of Apps. */
  readonly addForeignRun: (slug: RepositorySlug, sha: Sha) => number;
}

export async function startGitHubStandIn(clock: Clock): Promise<GitHubStandIn> {
  const state = emptyState();
  const keeper = createDoorkeeper(clock);
  const app: AppState = {
    installations: new Map([['owner', { id: 11, isSuspended: false }]]),
    permissions: {
      checks: 'write',
      contents: 'read',
      metadata: 'read',
      pull_requests: 'read',
    },
    events: ['push', 'pull_request'],
    hook: {},
  };
  const broken: string[] = [];

  function repositoryOf(slug: string): KeptRepository {
    const repository = state.repositories.get(slug.toLowerCase());
    if (repository === undefined) {
      throw new Error(`the stand-in has no repository ${slug}`);
    }
    return repository;
  }

  function answer(request: SeenRequest): StandInAnswer {
    const matched = gitHubJudge.match(request);
    const asking = keeper.whoAsks(request);
    if (matched === undefined) {
      return NOT_FOUND;
    }
    if (asking.kind === 'nobody') {
      return { status: 401, body: { message: 'Bad credentials', status: '401' } };
    }
    const { operation, parameters } = matched;
    const repository = state.repositories.get(`${parameters['owner']}/${parameters['repo']}`.toLowerCase());
    const refusal = judgeAsking(operation, asking, repository);
    const route = ROUTES[operation];
    if (refusal !== undefined || route === undefined) {
      return refusal ?? NOT_FOUND;
    }
    const asked: Asked = {
      state,
      app,
      keeper,
      asking,
      parameters,
      request,
      url: server.url,
      // Routes that are not below a repository do not look at it.
      repository:
        repository ?? newRepository({ slug: '' as RepositorySlug, isPrivate: true, defaultBranch: '' }),
      violate: (what) => broken.push(what),
    };
    const given = route(asked);
    const mistakes = gitHubJudge.judgeAnswer(request, given).filter((what) => !FORK_IS_GONE.test(what));
    broken.push(...mistakes.map((what) => `the stand-in itself: ${operation}: ${what}`));
    return given;
  }

  const server = await startStandInServer({
    answer,
    judge: (request) => [...gitHubJudge.judgeRequest(request), ...judgeHeaders(request)],
  });

  return {
    server: {
      ...server,
      get violations() {
        return [...server.violations, ...broken];
      },
    },
    keeper,
    app,
    addRepository: (facts) => state.repositories.set(facts.slug.toLowerCase(), newRepository(facts)),
    addRequest: (slug, request) => repositoryOf(slug).requests.set(request.number, request),
    setMerge: (slug, number, merge) => repositoryOf(slug).merges.set(number, merge),
    grant: (slug, login, role) => repositoryOf(slug).roles.set(login, role),
    addHook: (slug, url) => {
      const config = { url, content_type: 'json', insecure_ssl: '0', secret: 'theirs' };
      const hook = { id: takeId(state), active: true, events: ['push', 'pull_request'], config };
      repositoryOf(slug).hooks.set(hook.id, hook);
      return String(hook.id);
    },
    hooksOf: (slug) =>
      [...repositoryOf(slug).hooks.values()].map(
        ({ id, active, config }): StandInHook => ({
          id: String(id),
          url: String(config['url']),
          secret: typeof config['secret'] === 'string' ? config['secret'] : null,
          isActive: active,
        }),
      ),
    spoilHook: (slug, id, how) => {
      const hook = repositoryOf(slug).hooks.get(Number(id));
      if (hook !== undefined) {
        hook.active = how !== 'inactive';
        hook.events = how === 'events' ? ['push'] : hook.events;
        hook.config = how === 'certificates' ? { ...hook.config, insecure_ssl: '1' } : hook.config;
      }
    },
    checksOf: (slug, sha) => shownChecks(repositoryOf(slug), sha),
    addForeignRun: (slug, sha) => {
      const id = takeId(state);
      const body = {
        name: 'another: check',
        status: 'in_progress',
        output: { title: 'theirs', summary: '' },
      };
      repositoryOf(slug).runs.set(id, { id, sha, appId: 1, body });
      return id;
    },
  };
}

/** Of each context and each name the newest, as GitHub's page shows them. */
function shownChecks({ statuses, runs }: KeptRepository, sha: Sha): readonly ShownCheck[] {
  const shown = new Map<string, ShownCheck>();
  for (const status of statuses.filter((one) => one.sha === sha)) {
    const { context, state, description, url } = status;
    shown.set(context, { context, state, description, url });
  }
  for (const { body } of [...runs.values()].filter((one) => one.sha === sha)) {
    const context = String(body['name']);
    const { title } = body['output'] as { readonly title: string };
    shown.set(context, {
      context,
      state: String(body['conclusion'] ?? body['status']),
      description: title,
      url: String(body['details_url']),
    });
  }
  return [...shown.values()];
}

function judgeHeaders({ headers, path }: SeenRequest): readonly string[] {
  return [
    ...(headers['accept'] === 'application/vnd.github+json' ? [] : ['the accept header is not GitHub’s']),
    ...(headers['x-github-api-version'] === '2022-11-28' ? [] : ['the version of the API is not named']),
    ...(typeof headers['user-agent'] === 'string' ? [] : ['there is no user agent']),
    ...(path.startsWith(API_PATH) ? [] : ['it is not below the API']),
  ];
}

/** An App asks about itself as itself, and about repositories by an installation. */
function judgeAsking(
  operation: string,
  asking: Asking,
  repository: KeptRepository | undefined,
): StandInAnswer | undefined {
  const isOfApp = / \/app\b/.test(operation) || operation.endsWith('/installation');
  if (isOfApp) {
    return asking.kind === 'app'
      ? undefined
      : { status: 401, body: { message: 'A JSON web token could not be decoded' } };
  }
  if (asking.kind === 'app') {
    return { status: 401, body: { message: 'Bad credentials' } };
  }
  if (asking.kind === 'installation' && (asking.token.isReadOnly || operation === 'GET /user')) {
    return { status: 403, body: { message: 'Resource not accessible by integration' } };
  }
  return operation.includes('{repo}') && repository === undefined ? NOT_FOUND : undefined;
}
