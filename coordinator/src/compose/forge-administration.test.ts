import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import { silentLogger } from '@argunix/shared/kit/logger';
import { expect, test } from 'vitest';
import type { Configuration } from '../config/configuration.ts';
import { createForgeHealth } from '../flows/forge-health.ts';
import { createForgeAdministration } from './forge-administration.ts';
import type { ComposedForge } from './forges.ts';

const SECRET = '/repos/owner/private-name';

/** A forge whose credential works or does not, as the test says. */
function scene() {
  const state = { works: true };
  const stop = new AbortController();
  const health = createForgeHealth(
    {
      forge: {
        name: 'there',
        refresh: () => undefined,
        probe: () =>
          state.works
            ? Promise.resolve()
            : Promise.reject(
                new AppError('forge.unauthorized', `there: GET ${SECRET} was answered with 401.`),
              ),
      },
      clock: systemClock,
      log: silentLogger,
      probeMs: 60_000,
      onChange: () => undefined,
    },
    stop.signal,
  );
  const composed = { health, requests: () => ({ sent: 1, refused: 1, failed: 0 }) } as Partial<ComposedForge>;
  const forges = [
    { name: 'there', kind: 'forgejo', webUrl: 'https://there.example.com', repositories: [] },
    { name: 'here', kind: 'git', repositories: [] },
  ];
  const administration = createForgeAdministration({
    forges: { get: (name) => (name === 'there' ? (composed as ComposedForge) : undefined) },
    checks: { backlog: () => [] },
    current: () => ({ forges }) as unknown as Configuration,
  });
  return { state, health, administration, stop: () => stop.abort() };
}

async function refuse({ state, health }: ReturnType<typeof scene>): Promise<void> {
  state.works = false;
  const refusal = new AppError('forge.unauthorized', `there: GET ${SECRET} was answered with 401.`);
  await expect(health.ask(() => Promise.reject(refusal))).rejects.toThrow('401');
}

test('a paused forge is resumed when its credential works again, and stays paused until then', async () => {
  const one = scene();
  await refuse(one);
  expect(one.administration.all()[0]?.pause?.reason).toContain('401');

  expect(await one.administration.resume('there')).toMatchObject({ kind: 'refused' });
  one.state.works = true;
  expect(await one.administration.resume('there')).toMatchObject({ kind: 'done' });

  expect(one.administration.all()[0]?.pause).toBeNull();
  one.stop();
});

test('what other repositories are told of a pause names no repository', async () => {
  const one = scene();
  await refuse(one);

  const told: unknown = await one.health.ask(() => Promise.resolve()).catch((error: unknown) => error);

  expect(String(told)).toContain('there is paused');
  expect(String(told)).not.toContain('private-name');
  one.stop();
});

test('one that has no credential, or does not exist, cannot be resumed', async () => {
  const one = scene();

  expect(await one.administration.resume('here')).toMatchObject({ kind: 'refused' });
  expect(await one.administration.resume('nowhere')).toEqual({ kind: 'not_found' });
  one.stop();
});
