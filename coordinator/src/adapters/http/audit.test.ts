import { expect, test } from 'vitest';
import { createFakeCommands } from '../../../test/fakes/commands.ts';
import { startControl } from '../../../test/fakes/control-server.ts';
import { createLogKeeper } from '../../../test/fakes/log-keeper.ts';

test('every change is one line: who, what, of what, how it was answered', async () => {
  const log = createLogKeeper();
  const server = await startControl({ logger: log });
  const headers = { 'argunix-operator': 'ada' };

  await server.inject({ method: 'POST', url: '/api/v1/evals/1/cancel', headers });
  await server.inject({ method: 'POST', url: '/api/v1/evals/77/cancel', headers });
  const payload = { repo: 'here/demo/sample', ref: 'main' };
  await server.inject({ method: 'POST', url: '/api/v1/evals', headers, payload });
  await server.inject({ url: '/api/v1/evals/1', headers });

  expect(log.lines.filter(({ message }) => message === 'a change was asked for')).toMatchObject([
    { level: 'info', by: 'operator ada', action: '/evals/:id/cancel', of: { id: 1 }, status: 200 },
    { level: 'info', by: 'operator ada', action: '/evals/:id/cancel', of: { id: 77 }, status: 404 },
    {
      level: 'info',
      by: 'operator ada',
      action: '/evals',
      asked: { repo: { forge: 'here', slug: 'demo/sample' }, ref: 'main' },
      status: 201,
    },
  ]);
});

test.each(['', 'a b', 'x'.repeat(65), 'ada\u0001'])('a name like %j is not claimed', async (name) => {
  const commands = createFakeCommands();
  const server = await startControl({ commands });

  await server.inject({
    method: 'POST',
    url: '/api/v1/evals/1/approve',
    headers: { 'argunix-operator': name },
  });

  expect(commands.asked).toEqual([['approveEvaluation', 1, 'operator']]);
});
