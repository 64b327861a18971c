/** Lists that a forge gives in pages, followed by the Link header (RFC 8288) as GitHub, GitLab, Gitea and Forgejo give it. */
import { AppError } from '@argunix/shared/kit/app-error';
import type { ForgeAnswer, ForgeRequest } from './forge-http.ts';

// 20 000 of anything at a hundred a page: no repository has as many open requests, so this is a circle.
const MOST_PAGES = 200;
// Of one link in characters; what says `next` is the first thing in it.
const MOST_PARAMETERS = 1_000;

/** Gives every page's entries to `read`, in order. Throws rather than leave some out: what is missing counts as closed. */
export async function readPages<Request extends Pick<ForgeRequest, 'path' | 'query'>, Entry>(
  send: (request: Request) => Promise<ForgeAnswer>,
  first: Request,
  read: (answer: ForgeAnswer) => readonly Entry[],
): Promise<readonly Entry[]> {
  const all: Entry[] = [];
  let query = first.query ?? {};
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await send({ ...first, query });
    all.push(...read(answer));
    const next = nextQuery(answer.headers['link']);
    if (next === undefined) {
      return all;
    }
    query = { ...query, ...next };
  }
  throw new AppError('forge.refused', `${first.path} has more than ${MOST_PAGES} pages.`, {
    path: first.path,
  });
}

/**
 * The query of the next page. Only that: its path may be written in another way (`/repositories/1/…`), and its host is
 * what the forge believes to be its own name.
 */
export function nextQuery(
  link: string | readonly string[] | undefined,
): Readonly<Record<string, string>> | undefined {
  const text = typeof link === 'string' ? link : (link ?? []).join(', ');
  for (const [, target = '', parameters = ''] of text.matchAll(/<([^<>]*)>((?:\s*;[^<>,]*)*)/g)) {
    const isNext = /;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(
      parameters.slice(0, MOST_PARAMETERS),
    );
    if (isNext && URL.canParse(target, 'http://forge')) {
      return Object.fromEntries(new URL(target, 'http://forge').searchParams);
    }
  }
  return undefined;
}
