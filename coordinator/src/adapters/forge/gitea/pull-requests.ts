import { AppError } from '@argunix/shared/kit/app-error';
import { z } from 'zod';
import type { OpenRequest } from '../../../domain/forge-event.ts';
import type { Forge } from '../../../ports/forge.ts';
import { encodePath } from '../encode-path.ts';
import type { ForgeAnswer, ForgeHttp } from '../forge-http.ts';
import { readAnswer } from '../read-answer.ts';
import { PullRequest, toOpenRequest } from './pull-request.ts';

// Servers give 50 at most unless their owner says otherwise.
const PAGE = 50;
const MOST_PAGES = 400;

/**
 * From the last page to the first, oldest requests first: one that is closed meanwhile moves those behind it to the
 * page before, which is still to be read. The other way round they would be missed, and what is missing counts as
 * closed. What is opened meanwhile comes behind all and is delivered anyway.
 */
export async function listPullRequests(
  { name, http }: { readonly name: string; readonly http: ForgeHttp },
  ...[slug, signal]: Parameters<Forge['openRequests']>
): Promise<readonly OpenRequest[]> {
  const path = `/repos/${encodePath(slug)}/pulls`;
  const found = new Map<number, OpenRequest>();

  async function read(page: number): Promise<{ readonly answer: ForgeAnswer; readonly count: number }> {
    const answer = await http.send({
      method: 'GET',
      path,
      query: { state: 'open', sort: 'oldest', page, limit: PAGE },
      needs: 'the token needs the scope read:repository, and the repository to be visible to its user',
      signal,
    });
    const pulls = readAnswer(name, 'a list of pull requests', z.array(PullRequest), answer);
    for (const pull of pulls) {
      found.set(pull.number, toOpenRequest(pull));
    }
    return { answer, count: pulls.length };
  }

  const { answer, count } = await read(1);
  const total = Number(answer.headers['x-total-count'] ?? Number.NaN);
  if (count === 0 || total <= count) {
    return [...found.values()];
  }
  if (Number.isNaN(total)) {
    throw new AppError('forge.failed', `${name}: expected the header X-Total-Count of a list.`, {
      forge: name,
    });
  }
  const last = Math.ceil(total / count);
  if (last > MOST_PAGES) {
    throw new AppError('forge.refused', `${name}: ${path} has more than ${MOST_PAGES} pages.`, {
      forge: name,
    });
  }
  for (let page = last; page >= 1; page -= 1) {
    await read(page);
  }
  return [...found.values()];
}
