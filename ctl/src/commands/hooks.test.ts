import { ForgeView, HookView } from '@argunix/shared/control-api/forge-views';
import { expect, test } from 'vitest';
import { json, refuse, useStandIn } from '../testing/stand-in.ts';

const AT = '2026-01-02T03:04:05.000Z';

const { answers, asked, bodies, ctl } = await useStandIn();

function hook(some: Partial<HookView> = {}): HookView {
  return HookView.parse({
    forge: 'there',
    repo: { forge: 'there', slug: 'owner/name' },
    state: 'good',
    trouble: null,
    checked_at: AT,
    delivered_at: AT,
    url: 'https://ci.example.com/webhook/there/opaque',
    ...some,
  });
}
const APP = hook({ forge: 'hub', repo: null, state: 'never_installed', delivered_at: null });
const BAD = hook({
  repo: { forge: 'there', slug: 'owner/other' },
  state: 'trouble',
  trouble: 'It is not there at the forge any more.',
});

test('hooks list has the state of each and its last delivery', async () => {
  answers.set('GET /api/v1/hooks', json([hook(), BAD, APP]));

  const { code, out } = await ctl('hooks', 'list');

  expect(code).toBe(0);
  expect(out).toMatch(/^there\/owner\/name +good +\d+ d ago/m);
  expect(out).toMatch(/^there\/owner\/other +trouble .* It is not there at the forge any more\.$/m);
  expect(out).toMatch(/^hub \(App\) +never installed +never/m);
  expect(asked).toEqual(['GET /api/v1/hooks']);
});

test('hooks check asks about each, goes on after a refusal, and ends with 1 when one is not as wanted', async () => {
  answers.set('GET /api/v1/hooks', json([BAD, hook(), APP]));
  answers.set('POST /api/v1/hooks/check', (request, response) => {
    const isFirst = asked.length === 2;
    (isFirst
      ? refuse(409, 'state.refused', 'It lacks a right.')
      : json({ message: 'It is as wanted.', hook: hook() }))(request, response);
  });

  const { code, out } = await ctl('hooks', 'check');

  expect(bodies.slice(1).map((body): unknown => JSON.parse(body))).toEqual([
    { repo: BAD.repo },
    { repo: hook().repo },
    { forge: 'hub' },
  ]);
  expect(out).toContain('It lacks a right.');
  expect(out).toContain('It is as wanted.');
  expect(code).toBe(1);
});

test.each([
  ['check', 'there/owner/name', { repo: { forge: 'there', slug: 'owner/name' } }],
  ['repair', 'there/owner/name', { repo: { forge: 'there', slug: 'owner/name' } }],
  ['rotate', 'there/owner/name', { repo: { forge: 'there', slug: 'owner/name' } }],
  ['repair', 'hub', { forge: 'hub' }],
])('hooks %s %s is about that one alone', async (verb, name, body) => {
  answers.set('GET /api/v1/hooks', json([BAD, hook(), APP]));
  const change = { message: 'What was done.', hook: hook() };
  answers.set(`POST /api/v1/hooks/${verb}`, json(change));

  const { code, out } = await ctl('hooks', verb, name, '--json');

  expect(JSON.parse(bodies[1] ?? '')).toEqual(body);
  expect([code, JSON.parse(out), asked.length]).toEqual([0, [change], 2]);
});

test('4 for a hook that there is not, and 2 for a rotation of nothing', async () => {
  answers.set('GET /api/v1/hooks', json([hook()]));

  expect(await ctl('hooks', 'check', 'there/owner/nmae')).toMatchObject({
    code: 4,
    err: expect.stringContaining('There is no hook of there/owner/nmae') as string,
  });
  expect((await ctl('hooks', 'rotate')).code).toBe(2);
});

function forge(some: Partial<ForgeView> = {}): ForgeView {
  return ForgeView.parse({
    name: 'there',
    kind: 'forgejo',
    web_url: 'https://there.example.com',
    state: 'works',
    paused: null,
    checks: { waiting: 0, oldest_since: null },
    requests: { sent: 40, refused: 0, failed: 0 },
    ...some,
  });
}

test('forges list says which is paused, why, and what waits for it', async () => {
  const forges = [
    forge(),
    forge({
      name: 'hub',
      state: 'paused',
      paused: { since: AT, reason: 'GET /user was answered with 401.', next_probe_at: AT },
      checks: { waiting: 12, oldest_since: AT },
      requests: { sent: 50, refused: 3, failed: 1 },
    }),
  ];
  answers.set('GET /api/v1/forges', json(forges));

  const { code, out } = await ctl('forges', 'list');

  expect(code).toBe(0);
  expect(out).toMatch(/^there +forgejo +works +all told +40 sent /m);
  expect(out).toMatch(/^hub .* paused +12 wait, the oldest since .* ago +50 sent, 3 refused, 1 failed /m);
  expect(out).toMatch(/since .* ago, tried again now: GET \/user was answered with 401\.$/m);
  expect(JSON.parse((await ctl('forges', 'list', '--json')).out)).toEqual(forges);
});

test('forges resume says what came of it, and names what is not there', async () => {
  answers.set('POST /api/v1/forges/hub/resume', json({ message: 'hub works again.', forge: forge() }));
  answers.set('POST /api/v1/forges/bad/resume', refuse(409, 'state.refused', 'bad still does not work.'));

  expect(await ctl('forges', 'resume', 'hub')).toEqual({ code: 0, out: 'hub works again.\n', err: '' });
  expect((await ctl('forges', 'resume', 'bad')).code).toBe(1);
  expect(await ctl('forges', 'resume', 'nub')).toMatchObject({
    code: 4,
    err: expect.stringContaining('There is no forge nub; argunixctl forges list') as string,
  });
});
