import type { GitRef } from '@argunix/shared/domain/git-ref';
import { AppError } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeChanges } from '../../test/fakes/changes.ts';
import { createFakeCheckout, type FakeCheckout } from '../../test/fakes/fake-evaluator.ts';
import { MAIN, openStores, sha } from '../../test/store-fixture.ts';
import type { Trigger } from '../ports/commands.ts';
import { triggerEvaluation } from './trigger-evaluation.ts';

const TAG = 'refs/tags/v1' as GitRef;

let stores: Awaited<ReturnType<typeof openStores>>;
let checkout: FakeCheckout;
beforeEach(async () => {
  stores = await openStores();
  checkout = createFakeCheckout();
  checkout.heads = [{ ref: MAIN, sha: sha('a') }];
});
afterEach(async () => {
  await stores.close();
});

async function trigger(revision: Trigger['revision']) {
  const { repository } = stores;
  const source = { repositoryId: repository.id, url: '/srv/git', credential: null, fetchable: [] };
  const ports = { ...stores, checkout, changes: createFakeChanges(), clock: systemClock };
  const verdict = await triggerEvaluation(
    ports,
    repository,
    source,
    { repository, revision },
    AbortSignal.timeout(10_000),
  );
  return verdict.kind === 'done' ? stores.views.evaluation(verdict.evaluationId) : verdict;
}

test('a branch is evaluated as trusted, wherever it stands now', async () => {
  expect(await trigger({ kind: 'ref', ref: 'main' })).toMatchObject({
    ref: MAIN,
    sha: sha('a'),
    trigger: 'manual',
    trusted: true,
    status: 'queued',
  });
});

test('a revision that a tag leads to is trusted, and is of that tag', async () => {
  checkout.reachable.set(sha('b'), TAG);

  expect(await trigger({ kind: 'sha', sha: sha('b') })).toMatchObject({
    ref: TAG,
    sha: sha('b'),
    trusted: true,
  });
});

test('a revision that the server has and nothing leads to is evaluated, is nobody’s branch, and is not trusted', async () => {
  const view = await trigger({ kind: 'sha', sha: sha('c') });

  expect(view).toMatchObject({ sha: sha('c'), trusted: false, status: 'queued' });
  expect(view).not.toMatchObject({ ref: MAIN });
});

test('what the server does not have is refused, and leaves nothing behind', async () => {
  checkout.missing.add(sha('d'));

  expect(await trigger({ kind: 'sha', sha: sha('d') })).toMatchObject({
    kind: 'refused',
    reason: `demo/sample has no revision ${sha('d')} now.`,
  });
  expect(await trigger({ kind: 'ref', ref: 'gone' })).toMatchObject({ kind: 'refused' });
  expect(stores.views.evaluations({ limit: 10 })).toEqual([]);
  expect(stores.deliveries.pending()).toEqual([]);
});

test('a server that cannot answer makes nothing trusted', async () => {
  checkout.trouble = new AppError('git.unreachable', 'nobody answers');

  expect(await trigger({ kind: 'sha', sha: sha('c') })).toEqual({
    kind: 'refused',
    reason: 'nobody answers',
  });
});
