import { NewTokenView, TokenView } from '@argunix/shared/control-api/token-views';
import { expect, test } from 'vitest';
import { json, refuse, useStandIn } from '../testing/stand-in.ts';

const AT = '2026-01-02T03:04:05.000Z';
const TOKEN = `argx_${'a'.repeat(43)}`;

const { answers, asked, bodies, ctl } = await useStandIn();

function token(some: Partial<TokenView> = {}): TokenView {
  return TokenView.parse({
    name: 'deploy',
    state: 'works',
    may: ['read', 'trigger'],
    repos: '**',
    created_at: AT,
    expires_at: null,
    last_used_at: null,
    revoked_at: null,
    ...some,
  });
}

test.each([
  [['--may', 'read,trigger'], { may: ['read', 'trigger'] }],
  [['--may', 'admin', '--repos', 'here/demo/*'], { may: ['admin'], repos: 'here/demo/*' }],
  [['--may', 'read', '--expires-days', '30'], { may: ['read'], expires_days: 30 }],
])('tokens create %j prints the token, and nothing else where it is piped', async (args, body) => {
  answers.set('POST /api/v1/tokens', json(NewTokenView.parse({ ...token(), token: TOKEN }), 201));

  const { code, out, err } = await ctl('tokens', 'create', 'deploy', ...args);

  expect({ code, out }).toEqual({ code: 0, out: `${TOKEN}\n` });
  expect(err).toContain('deploy may read, trigger in **, until it is revoked');
  expect(err).not.toContain(TOKEN);
  expect(bodies.map((one): unknown => JSON.parse(one))).toEqual([{ name: 'deploy', ...body }]);
});

test.each([
  [['create', 'deploy']],
  [['create', '--may', 'read']],
  [['create', 'deploy', '--may', 'read', '--expires-days', '0']],
  [['create', 'deploy', '--may', 'read', '--expires-days', 'soon']],
  [['revoke']],
])('2 for tokens %j, without asking anybody', async (args) => {
  expect((await ctl('tokens', ...args)).code).toBe(2);
  expect(asked).toEqual([]);
});

test('tokens list has what each may, and whether it works', async () => {
  const tokens = [
    token({ last_used_at: AT, expires_at: '2099-05-06T00:00:00.000Z' }),
    token({ name: 'old', state: 'revoked', revoked_at: AT, may: ['admin'], repos: 'here/demo/*' }),
  ];
  answers.set('GET /api/v1/tokens', json(tokens));

  const { code, out } = await ctl('tokens', 'list');

  expect(code).toBe(0);
  expect(out).toMatch(/^deploy +works +read,trigger +\*\* .* ago +2099-05-06$/m);
  expect(out).toMatch(/^old +revoked +admin +here\/demo\/\* .* never +never$/m);
  expect(JSON.parse((await ctl('tokens', 'list', '--json')).out)).toEqual(tokens);
});

test('tokens list says how to make one where there is none', async () => {
  answers.set('GET /api/v1/tokens', json([]));

  expect((await ctl('tokens', 'list')).out).toContain('argunixctl tokens create NAME --may read');
});

test('tokens revoke says what came of it, and names what is not there', async () => {
  answers.set('POST /api/v1/tokens/deploy/revoke', json(token({ state: 'revoked', revoked_at: AT })));
  answers.set('POST /api/v1/tokens/twice/revoke', refuse(409, 'state.refused', 'It was revoked before.'));

  expect(await ctl('tokens', 'revoke', 'deploy')).toEqual({
    code: 0,
    out: 'The token deploy opens nothing any more.\n',
    err: '',
  });
  expect((await ctl('tokens', 'revoke', 'twice')).code).toBe(1);
  expect(await ctl('tokens', 'revoke', 'deplyo')).toMatchObject({
    code: 4,
    err: expect.stringContaining('There is no token deplyo; argunixctl tokens list') as string,
  });
});
