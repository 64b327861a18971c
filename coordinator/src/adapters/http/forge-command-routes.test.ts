import { ForgeView, HookView } from '@argunix/shared/control-api/forge-views';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { startControl } from '../../../test/fakes/control-server.ts';
import { createFakeHooks } from '../../../test/fakes/fake-hooks.ts';
import { asRepositoryId } from '../../../test/fakes/fake-queue.ts';
import type { ForgeState } from '../../ports/forge-administration.ts';
import type { KeptHook } from '../../ports/hook-store.ts';

const AT = toEpochMs(Date.parse('2026-03-01T12:00:00.000Z'));
const TIME = '2026-03-01T12:00:00.000Z';
const SLUG = 'owner/name' as RepositorySlug;

function hook(some: Partial<KeptHook> = {}): KeptHook {
  return {
    id: 'opaque',
    forge: 'there',
    repositoryId: asRepositoryId(1),
    generation: 1,
    forgeId: '5',
    url: 'https://ci.example.com/webhook/there/opaque',
    trouble: null,
    checkedAt: AT,
    deliveredAt: null,
    ...some,
  };
}

test('hooks are listed with their state, without anybody being asked', async () => {
  const hooks = createFakeHooks({
    all: () => [
      { hook: hook({ deliveredAt: AT }), slug: SLUG },
      { hook: hook({ trouble: 'It is gone.' }), slug: SLUG },
      { hook: hook({ url: null, checkedAt: null, repositoryId: null }), slug: null },
    ],
  });
  const server = await startControl({ hooks });

  const views = z.array(HookView).parse((await server.inject({ url: '/api/v1/hooks' })).json());

  expect(views.map(({ state, repo, delivered_at }) => [state, repo?.slug, delivered_at])).toEqual([
    ['good', SLUG, TIME],
    ['trouble', SLUG, null],
    ['never_installed', undefined, null],
  ]);
  expect(hooks.asked).toEqual([]);
});

test.each(['check', 'repair', 'rotate'] as const)(
  '%s is asked for by repository, or by the forge of an App',
  async (verb) => {
    const hooks = createFakeHooks();
    const server = await startControl({ hooks });
    const ask = async (payload: object): Promise<number> =>
      (await server.inject({ method: 'POST', url: `/api/v1/hooks/${verb}`, payload })).statusCode;

    expect(await ask({ repo: 'there/owner/name' })).toBe(404);
    expect(await ask({ repo: { forge: 'there', slug: 'owner/name' } })).toBe(404);
    expect(await ask({ forge: 'there' })).toBe(404);
    expect(await ask({})).toBe(400);
    expect(await ask({ repo: 'name' })).toBe(400);
    expect(await ask({ forge: 'there', repo: 'there/owner/name' })).toBe(400);

    expect(hooks.asked).toEqual([
      [verb, { forge: 'there', slug: 'owner/name' }],
      [verb, { forge: 'there', slug: 'owner/name' }],
      [verb, { forge: 'there', slug: null }],
    ]);
  },
);

test('what came of it comes with the hook as it is then', async () => {
  const done = { kind: 'done', hook: hook(), slug: SLUG, message: 'It is as wanted.' } as const;
  const server = await startControl({ hooks: createFakeHooks({ check: () => Promise.resolve(done) }) });

  const payload = { repo: 'there/owner/name' };
  const answer = await server.inject({ method: 'POST', url: '/api/v1/hooks/check', payload });

  expect([answer.statusCode, answer.json()]).toMatchObject([
    200,
    { message: 'It is as wanted.', hook: { state: 'good', repo: { forge: 'there', slug: SLUG } } },
  ]);
});

const STATE: ForgeState = {
  name: 'there',
  kind: 'forgejo',
  webUrl: 'https://there.example.com',
  pause: null,
  checksWaiting: 0,
  oldestCheckAt: null,
  requests: { sent: 10, refused: 2, failed: 1 },
};

test('a forge says whether it works, since when and why not, and what waits for it', async () => {
  const pause = { since: AT, reason: 'GET /user was answered with 401.', nextProbeAt: AT };
  const all = (): readonly ForgeState[] => [
    STATE,
    { ...STATE, name: 'paused', pause, checksWaiting: 3, oldestCheckAt: AT },
    { ...STATE, name: 'here', kind: 'git', webUrl: null },
  ];
  const server = await startControl({
    forges: { all, resume: () => Promise.resolve({ kind: 'not_found' }) },
  });

  const views = z.array(ForgeView).parse((await server.inject({ url: '/api/v1/forges' })).json());

  expect(views.map(({ state }) => state)).toEqual(['works', 'paused', 'polled']);
  expect(views[1]).toMatchObject({
    paused: { since: TIME, reason: pause.reason, next_probe_at: TIME },
    checks: { waiting: 3, oldest_since: TIME },
    requests: { sent: 10, refused: 2, failed: 1 },
  });
});

test.each([
  [
    { kind: 'done', message: 'there works again.' },
    200,
    { message: 'there works again.', forge: { name: 'there' } },
  ],
  [{ kind: 'refused', reason: 'It does not.' }, 409, { error: { message: 'It does not.' } }],
  [{ kind: 'not_found' }, 404, { error: { code: 'not-found' } }],
] as const)('a forge that is resumed answers %j with %i', async (verdict, status, body) => {
  const forges = { all: () => [STATE], resume: () => Promise.resolve(verdict) };
  const server = await startControl({ forges });

  const answer = await server.inject({ method: 'POST', url: '/api/v1/forges/there/resume' });

  expect([answer.statusCode, answer.json()]).toMatchObject([status, body]);
});
