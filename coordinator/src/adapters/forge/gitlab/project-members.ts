/** Who may push to a project: whoever has at least the role Developer in it, also by a group. */
import { AppError } from '@argunix/shared/kit/app-error';
import { z } from 'zod';
import type { Forge } from '../../../ports/forge.ts';
import { readAnswer } from '../read-answer.ts';
import { WireNumber } from '../wire-values.ts';
import { type GitLabApi, projectPath } from './gitlab-api.ts';

const DEVELOPER = 30;

const User = z.object({ id: WireNumber, username: z.string(), state: z.string().catch('active') });
const Member = z.object({ access_level: z.number(), state: z.string().catch('active') });

/** `#<id>` is whom a delivery named by id only. Nothing is kept: who may push may change, and who has a name too. */
export async function mayPushTo(
  api: GitLabApi,
  ...[slug, login, signal]: Parameters<Forge['mayPush']>
): Promise<boolean> {
  const id = Number(/^#(\d{1,15})$/.exec(login)?.[1] ?? (await findUser(api, login, signal)));
  if (Number.isNaN(id)) {
    return false;
  }
  const { name, http } = api;
  const needs = 'the token needs the scope api, and the repository to be visible to its user';
  const path = `${projectPath(slug)}/members/all/${id}`;
  const answer = await http.send({ method: 'GET', path, answers: [404], needs, signal });
  if (answer.status === 404) {
    const missing = z.object({ message: z.string() }).safeParse(answer.body);
    if (missing.data?.message.includes('Project') === true) {
      throw new AppError('forge.forbidden', `${name}: ${slug} is not there. Most likely ${needs}.`, {
        forge: name,
        status: 404,
      });
    }
    return false;
  }
  const { access_level: level, state } = readAnswer(name, 'a member', Member, answer);
  return level >= DEVELOPER && state === 'active';
}

/** The search may find others, and finds everybody for an empty name. */
async function findUser(
  { name, http }: GitLabApi,
  login: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (login === '') {
    return undefined;
  }
  const answer = await http.send({
    method: 'GET',
    path: '/users',
    query: { username: login },
    answers: [404],
    needs: 'the token needs the scope api or read_user',
    signal,
  });
  if (answer.status === 404) {
    return undefined;
  }
  return readAnswer(name, 'a list of users', z.array(User), answer).find((user) => user.username === login)
    ?.id;
}
