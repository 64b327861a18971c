import type { StandInRequest, StandInRole } from '../forge-subject.ts';
import { pullBody, repositoryBody } from './bodies.ts';
import { exampleAnswer, part } from './recorded.ts';
import { type Asked, NOT_FOUND, pageOf, type Route } from './route.ts';

/** `maintain` and `triage` are roles, but no permissions: GitHub says the one below. */
const PERMISSIONS: Readonly<Record<StandInRole, string>> = {
  read: 'read',
  triage: 'read',
  write: 'write',
  maintain: 'write',
  admin: 'admin',
};

export const QUESTION_ROUTES: Readonly<Record<string, Route>> = {
  'GET /user': () => ({ status: 200, body: exampleAnswer('GET /user') }),
  'GET /repos/{owner}/{repo}': ({ repository, url }) => ({
    status: 200,
    body: repositoryBody(repository, url),
  }),
  'GET /repos/{owner}/{repo}/pulls': (asked) => {
    const wanted = asked.request.query['state'] ?? 'open';
    const requests = [...asked.repository.requests.values()].filter(
      ({ isOpen }) => wanted === 'all' || isOpen === (wanted === 'open'),
    );
    return pageOf(asked, requests, (request) => bodyOf(asked, request));
  },
  'GET /repos/{owner}/{repo}/pulls/{pull_number}': (asked) => {
    const request = asked.repository.requests.get(Number(asked.parameters['pull_number']));
    return request === undefined ? NOT_FOUND : { status: 200, body: bodyOf(asked, request) };
  },
  'GET /repos/{owner}/{repo}/collaborators/{username}/permission': ({ repository, parameters }) => {
    const login = parameters['username'] ?? '';
    const role = repository.roles.get(login);
    const example = exampleAnswer('GET /repos/{owner}/{repo}/collaborators/{username}/permission');
    return role === undefined
      ? { status: 404, body: { message: `${login} is not a user` } }
      : {
          status: 200,
          body: {
            ...example,
            permission: PERMISSIONS[role],
            role_name: role,
            user: { ...part(example, 'user'), login, role_name: role },
          },
        };
  },
};

function bodyOf({ repository }: Asked, request: StandInRequest): unknown {
  return pullBody(repository, request, repository.merges.get(request.number) ?? 'working');
}
