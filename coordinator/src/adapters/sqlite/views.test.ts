import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT, openStores, queued } from '../../../test/store-fixture.ts';
import type { Views } from '../../ports/views.ts';
import { createViews } from './views.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let views: Views;
beforeEach(async () => {
  stores = await openStores();
  views = createViews(stores.database, {
    externalUrl: '',
    waitingReason: () => null,
    waitingEvaluation: (id) => `Evaluation ${id} is next.`,
  });
});
afterEach(() => stores.close());

test('an evaluation that is queued says why it waits, unless what is stored says it; others do not', async () => {
  const id = await queued(stores);
  expect(views.evaluation(id)?.reason).toBe(`Evaluation ${id} is next.`);
  await stores.evaluations.begin(id, AT);
  expect(views.evaluation(id)?.reason).toBeNull();
  await stores.evaluations.requeue(id, 'It is tried again.');

  expect(views.evaluation(id)?.reason).toBe('It is tried again.');
});
