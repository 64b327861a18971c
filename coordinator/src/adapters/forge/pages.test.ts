import { describe, expect, it } from 'vitest';
import type { ForgeAnswer } from './forge-http.ts';
import { nextQuery, readPages } from './pages.ts';

describe('nextQuery', () => {
  it.each([
    [
      '<https://h/repositories/1/pulls?page=2&per_page=100>; rel="next", <https://h/x?page=9>; rel="last"',
      { page: '2', per_page: '100' },
    ],
    ['<https://h/x?page=9>; rel="last", </api/x?page=3>; rel="next"', { page: '3' }],
    ['<https://h/x?page=2>;rel=next', { page: '2' }],
    ['<https://h/x?page=2>; title="a"; rel="first next"', { page: '2' }],
    ['<https://h/x?cursor=a%2Fb>; rel="next"', { cursor: 'a/b' }],
    ['<https://h/x?a=1,2&page=2>; rel="next"', { a: '1,2', page: '2' }],
  ])('%s', (link, query) => {
    expect(nextQuery(link)).toEqual(query);
  });

  it.each([
    undefined,
    '',
    '<https://h/x?page=1>; rel="prev"',
    '<https://h/x>; rel="nextish"',
    'next',
    '<',
    [] as string[],
  ])('%j has no next page', (link) => {
    expect(nextQuery(link)).toBeUndefined();
  });

  it('two headers are as good as one', () => {
    expect(nextQuery(['<https://h/x?page=1>; rel="prev"', '<https://h/x?page=3>; rel="next"'])).toEqual({
      page: '3',
    });
  });
});

describe('readPages', () => {
  const first = { path: '/things', query: { per_page: 2 } };

  function pageOf(number: number, last: number): ForgeAnswer {
    const headers = number < last ? { link: `<https://h/t?page=${number + 1}>; rel="next"` } : {};
    return { status: 200, headers, body: [number] };
  }

  it('keeps its own path and what it asked for on every page', async () => {
    const asked: unknown[] = [];

    const all = await readPages(
      async (request: typeof first & { query: { page?: string } }) => {
        asked.push(request);
        return await Promise.resolve(pageOf(Number(request.query.page ?? 1), 3));
      },
      first,
      ({ body }) => body as number[],
    );

    expect(all).toEqual([1, 2, 3]);
    expect(asked).toEqual([
      first,
      { path: '/things', query: { per_page: 2, page: '2' } },
      { path: '/things', query: { per_page: 2, page: '3' } },
    ]);
  });

  it('pages without end are refused, not cut off', async () => {
    let asked = 0;

    const reading = readPages(
      async () => {
        asked += 1;
        return await Promise.resolve(pageOf(1, 2));
      },
      first,
      () => ['x'],
    );

    await expect(reading).rejects.toMatchObject({ code: 'forge.refused' });
    expect(asked).toBe(200);
  });
});
