import { BuilderChange, InvitationView } from '@argunix/shared/control-api/builder-views';
import { expect, test } from 'vitest';
import { startControl } from '../../../test/fakes/control-server.ts';
import { createFakeBuilders, enrolledBuilder, HOST_KEY, TOKEN } from '../../../test/fakes/fake-builders.ts';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import type { HttpServer } from './server.ts';

const VERBS = [
  ['drain', undefined, ['drain', 'rack-1']],
  ['resume', undefined, ['resume', 'rack-1']],
  ['revoke', undefined, ['revoke', 'rack-1']],
  ['unrevoke', undefined, ['unrevoke', 'rack-1']],
  ['remove', undefined, ['remove', 'rack-1']],
  ['rename', { name: 'rack-9' }, ['rename', 'rack-1', 'rack-9']],
] as const;

test.each(VERBS)(
  '%s does what it says, and answers with the sentence and the builder',
  async (verb, payload, asked) => {
    const name = verb === 'rename' ? 'rack-9' : 'rack-1';
    const builders = createFakeBuilders({ enrolled: [enrolledBuilder({ name })] });
    const server = await startControl({ builders });

    const answer = await server.inject({
      method: 'POST',
      url: `/api/v1/builders/rack-1/${verb}`,
      ...(payload !== undefined && { payload }),
    });

    expect(answer.statusCode).toBe(200);
    expect(BuilderChange.parse(answer.json())).toMatchObject({ message: /^It /, builder: { name } });
    expect(builders.asked).toEqual([asked]);
  },
);

test('of a builder that is no more there is only the sentence', async () => {
  const server = await startControl({ builders: createFakeBuilders() });

  const answer = await server.inject({ method: 'POST', url: '/api/v1/builders/rack-1/remove' });

  expect(answer.json()).toEqual({ message: 'It is removed.', builder: null });
});

test.each(VERBS)('%s that is refused is 409 with the reason, of nobody 404', async (verb, payload) => {
  const refused = { kind: 'refused', reason: 'It is of this host.' } as const;
  const ask = async (server: HttpServer): Promise<number> =>
    (
      await server.inject({
        method: 'POST',
        url: `/api/v1/builders/local/${verb}`,
        ...(payload !== undefined && { payload }),
      })
    ).statusCode;

  expect(
    await ask(
      await startControl({
        builders: createFakeBuilders({ answers: { [verb]: () => Promise.resolve(refused) } }),
      }),
    ),
  ).toBe(409);
  expect(
    await ask(
      await startControl({
        builders: createFakeBuilders({ answers: { [verb]: () => Promise.resolve({ kind: 'not_found' }) } }),
      }),
    ),
  ).toBe(404);
});

async function invite(
  payload: object,
  builders = createFakeBuilders({ hostKey: HOST_KEY }),
): Promise<unknown> {
  const server = await startControl({ builders });
  const answer = await server.inject({ method: 'POST', url: '/api/v1/builders/invite', payload });
  return answer.statusCode === 201 ? InvitationView.parse(answer.json()) : answer.statusCode;
}

test('an invitation comes with the line that the new host needs', async () => {
  const builders = createFakeBuilders({ hostKey: HOST_KEY });

  expect(await invite({ name: 'rack-3', valid_seconds: 7200 }, builders)).toEqual({
    name: 'rack-3',
    token: TOKEN,
    expires_at: '2026-03-01T12:00:00.000Z',
    command: `(umask 077 && printf '%s\\n' '${TOKEN}' > argunix-invitation) && argunix-builder --argunix-host=ci.example.com --argunix-port=2222 --name=rack-3 --enrollment-token-path=argunix-invitation`,
  });
  expect(builders.asked).toEqual([['invite', 'rack-3', 7_200_000]]);
});

test('an invitation is good for a day where nothing else is asked for', async () => {
  const builders = createFakeBuilders({ hostKey: HOST_KEY });
  await invite({ name: 'rack-3' }, builders);

  expect(builders.asked).toEqual([['invite', 'rack-3', 86_400_000]]);
});

test.each([
  {},
  { name: 'two words' },
  { name: '$(reboot)' },
  { name: "it's" },
  { name: 'x'.repeat(65) },
  { name: 'rack-3', valid_seconds: 0 },
  { name: 'rack-3', valid_seconds: 1e9 },
  { name: 'rack-3', valid_hours: 1 },
])('%j invites nobody', async (payload) => {
  const builders = createFakeBuilders({ hostKey: HOST_KEY });

  expect(await invite(payload, builders)).toBe(400);
  expect(builders.asked).toEqual([]);
});

test('no listener but the control socket takes any of it', async () => {
  const server = await startHttpServer();

  const writing = server.routes.filter((route) => route.startsWith('POST ') && route.includes('builders'));
  expect(writing).toEqual([]);
});
