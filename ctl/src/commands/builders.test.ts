import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { builder } from '../testing/sample-views.ts';
import { json, refuse, useStandIn } from '../testing/stand-in.ts';

const ESC = '\u001b';
const AT = '2026-01-02T03:04:05.000Z';

const { answers, asked, bodies, ctl } = await useStandIn();

const HOSTILE = `No space on ${ESC}[2J/dev/sda1${ESC}]0;title\u0007\u202e.`;

test('builders list tells the state of each and why it gets nothing', async () => {
  const drained = { why: 'drained' as const, reason: 'An operator drained it.' };
  const builders = [
    builder({ slots_used: 3 }),
    builder({ name: 'rack-2', state: 'paused', paused: drained }),
    builder({ name: 'rack-3', state: 'paused', paused: { why: 'low_disk', reason: HOSTILE } }),
    builder({ name: 'laptop', state: 'absent', absent_since: AT, loss_reason: 'It was silent for 15 s.' }),
    builder({ name: 'old', state: 'revoked', revoked_at: AT, stats: null }),
  ];
  answers.set('GET /api/v1/builders', json(builders));

  const { code, out } = await ctl('builders', 'list');

  expect(code).toBe(0);
  expect(out).toMatch(/^rack-1 +ready +3\/4 +x86_64-linux +2\.31\.2 +on +5\.25 +200 GiB$/m);
  expect(out).toMatch(/^rack-2 +paused \(drained\) .* An operator drained it\.$/m);
  expect(out).toMatch(/^rack-3 +paused \(low_disk\) .* No space on \/dev\/sda1 ?\.$/m);
  expect(out).toMatch(/^laptop +absent .* left .* ago; It was silent for 15 s\.$/m);
  expect(out).toMatch(/^old +revoked .* revoked .* ago$/m);
  expect(out).not.toContain(ESC);
  expect(z.array(BuilderView).parse(JSON.parse((await ctl('--json', 'builders', 'list')).out))).toEqual(
    builders,
  );
});

test('builders list says what to do where there is none', async () => {
  answers.set('GET /api/v1/builders', json([]));

  expect((await ctl('builders', 'list')).out).toContain('argunixctl builders invite NAME');
});

test('builders show has the link, the host and what is under way', async () => {
  const transfer = {
    direction: 'push' as const,
    step: 'sending' as const,
    paths_done: 3,
    paths_total: 14,
    bytes_done: 700 * 2 ** 20,
    bytes_total: 2 * 2 ** 30,
    bytes_per_second: 50 * 2 ** 20,
    started_at: AT,
    steps: [],
    step_count: 2,
  };
  answers.set('GET /api/v1/builders/rack-1', json(builder({ transfers: [transfer] })));

  const { code, out } = await ctl('builders', 'show', 'rack-1');

  expect(code).toBe(0);
  expect(out).toMatch(/^key: +SHA256:abc$/m);
  expect(out).toMatch(/^heartbeat: +1\.2 s ago$/m);
  expect(out).toMatch(/^round trip: +3\.4 ms$/m);
  expect(out).toMatch(/^memory: +12 GiB of 64 GiB in use$/m);
  expect(out).toMatch(/^disk: +200 GiB of 1 TiB free$/m);
  expect(out).toMatch(/^to it +sending +3\/14 +700 MiB of 2 GiB +50 MiB\/s +2 more$/m);
  expect(out).not.toContain('revoked');
});

test('builders show of one that was never there claims nothing about it', async () => {
  answers.set(
    'GET /api/v1/builders/new',
    json(builder({ name: 'new', state: 'absent', systems: [], stats: null })),
  );

  const { out } = await ctl('builders', 'show', 'new');

  expect(out).toContain('not known: it was never there');
  expect(out).not.toContain('sandbox');
});

const INVITATION = {
  name: 'rack-3',
  token: 'argunix-invitation-1.a~b~c',
  expires_at: AT,
  command:
    "(umask 077 && printf '%s\\n' 'argunix-invitation-1.a~b~c' > argunix-invitation) && argunix-builder --x",
};

test.each([
  [['rack-3'], { name: 'rack-3' }],
  [['rack-3', '--valid-hours', '2'], { name: 'rack-3', valid_seconds: 7200 }],
  [['rack-3', '--valid-hours', '0.5'], { name: 'rack-3', valid_seconds: 1800 }],
])('builders invite %j prints the line to run, and nothing else where it is piped', async (args, body) => {
  answers.set('POST /api/v1/builders/invite', json(INVITATION, 201));

  const { code, out, err } = await ctl('builders', 'invite', ...args);

  expect({ code, out }).toEqual({ code: 0, out: `${INVITATION.command}\n` });
  expect(err).toContain(`until ${AT}`);
  expect(bodies).toEqual([JSON.stringify(body)]);
});

test('builders invite --json is the invitation', async () => {
  answers.set('POST /api/v1/builders/invite', json(INVITATION, 201));

  expect(JSON.parse((await ctl('--json', 'builders', 'invite', 'rack-3')).out)).toEqual(INVITATION);
});

test.each([
  [['drain', 'rack-1'], 'POST /api/v1/builders/rack-1/drain', ''],
  [['resume', 'rack-1'], 'POST /api/v1/builders/rack-1/resume', ''],
  [['revoke', 'rack-1'], 'POST /api/v1/builders/rack-1/revoke', ''],
  [['unrevoke', 'rack-1'], 'POST /api/v1/builders/rack-1/unrevoke', ''],
  [['remove', 'rack-1'], 'POST /api/v1/builders/rack-1/remove', ''],
  [['rename', 'rack-1', 'rack-9'], 'POST /api/v1/builders/rack-1/rename', '{"name":"rack-9"}'],
])('builders %j says what was done', async (args, route, body) => {
  answers.set(route, json({ message: 'What was done.', builder: null }));

  expect(await ctl('builders', ...args)).toEqual({ code: 0, out: 'What was done.\n', err: '' });
  expect([asked, bodies]).toEqual([[route], [body]]);
});

test('what was done is JSON where that is asked for, 1 when it is refused, 4 when there is no such builder', async () => {
  const route = 'POST /api/v1/builders/rack-1/drain';
  const done = { message: 'What was done.', builder: builder({ state: 'paused' }) };

  answers.set(route, json(done));
  expect(JSON.parse((await ctl('builders', 'drain', 'rack-1', '--json')).out)).toEqual(done);
  answers.set(route, refuse(409, 'state.refused', 'Not now.'));
  expect(await ctl('builders', 'drain', 'rack-1')).toEqual({
    code: 1,
    out: '',
    err: 'argunixctl: Not now.\n',
  });
  answers.clear();
  expect((await ctl('builders', 'drain', 'rack-1')).code).toBe(4);
});

test.each([
  [['invite']],
  [['invite', 'rack-3', '--valid-hours', 'soon']],
  [['invite', 'rack-3', '--valid-hours', '0']],
  [['rename', 'rack-1']],
  [['juggle', 'rack-1']],
])('2 for builders %j, without asking anybody', async (args) => {
  expect((await ctl('builders', ...args)).code).toBe(2);
  expect(asked).toEqual([]);
});

test('a name goes into the path as one part', async () => {
  await ctl('builders', 'show', '../status?x');

  expect(asked).toEqual(['GET /api/v1/builders/..%2Fstatus%3Fx']);
});

test('a builder that is not there is named', async () => {
  answers.set('POST /api/v1/builders/rak-1/drain', refuse(404, 'not-found', 'There is nothing here.'));

  const { code, err } = await ctl('builders', 'drain', 'rak-1');

  expect(code).toBe(4);
  expect(err).toContain('There is no builder rak-1; argunixctl builders list');
});
