/** Who is told that something of a private repository changed: readers of it, while their token works. */
import { toEvaluationId } from '@argunix/shared/domain/ids';
import { systemClock } from '@argunix/shared/kit/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../../test/fakes/changes.ts';
import { asRepositoryId } from '../../../test/fakes/fake-queue.ts';
import { createFakeTokens, type FakeTokens } from '../../../test/fakes/fake-tokens.ts';
import { until } from '../../../test/until.ts';
import { createReaders } from '../../compose/readers.ts';
import type { Changes } from '../../ports/changes.ts';
import { type ChangeFeeds, createChangeFeeds } from './change-feeds.ts';

const OPEN = asRepositoryId(1);
const SEALED = asRepositoryId(2);

let changes: Changes;
let tokens: FakeTokens;
let feeds: ChangeFeeds;
const stop = new AbortController();
beforeEach(() => {
  changes = createFakeChanges();
  tokens = createFakeTokens(systemClock);
  const { changesFor } = createReaders({
    changes,
    evaluations: { find: () => undefined },
    privateOnes: () => new Map([[SEALED, { forge: 'here', slug: 'sealed/vault' }]]),
    tokens: tokens.registry,
  });
  feeds = createChangeFeeds(changesFor);
});
afterEach(() => {
  feeds.stop();
});

async function token(name: string, repositories: string): Promise<string> {
  const made = await tokens.administration.create({ name, rights: ['read'], repositories, validMs: null });
  return made.kind === 'done' ? made.token : '';
}

function follow(bearer: string | null): { readonly told: () => string; readonly hasEnded: () => boolean } {
  let text = '';
  let hasEnded = false;
  void (async () => {
    for await (const chunk of feeds.follow(bearer, undefined, stop.signal)) {
      text += chunk.toString();
    }
    hasEnded = true;
  })();
  return { told: () => text, hasEnded: () => hasEnded };
}

function tellBoth(): void {
  changes.tell({ kind: 'repository', repositoryId: OPEN });
  changes.tell({ kind: 'repository', repositoryId: SEALED });
  changes.tell({ kind: 'evaluation', evaluationId: toEvaluationId(77) });
}

test('a private repository changes for its readers alone', async () => {
  const reader = follow(await token('reader', 'here/sealed/*'));
  const other = follow(await token('other', 'here/demo/*'));
  const stranger = follow(null);
  const liar = follow('argx_none');
  await until('all follow', () => [reader, other, stranger, liar].every(({ told }) => told() !== ''));

  tellBoth();
  await until('all are told', () =>
    [reader, other, stranger, liar].every(({ told }) => told().includes('"repository_id":1')),
  );

  expect(reader.told()).toContain('"repository_id":2');
  expect([other, stranger, liar].map(({ told }) => told().includes('"repository_id":2'))).toEqual([
    false,
    false,
    false,
  ]);
  expect(stranger.told()).not.toContain('"evaluation_id"');
});

test('a token that is revoked is told nothing more, and its stream ends', async () => {
  const reader = follow(await token('reader', '**'));
  await until('it follows', () => reader.told() !== '');

  await tokens.administration.revoke('reader');
  tellBoth();

  await until('its stream ends', () => reader.hasEnded());
  expect(reader.told()).not.toContain('repository_id');
});
