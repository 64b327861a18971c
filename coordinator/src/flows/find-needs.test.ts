import { expect, test } from 'vitest';
import { createFakeStore } from '../../test/fakes/fake-store.ts';
import { drvPath } from '../../test/store-fixture.ts';
import { findNeeds } from './find-needs.ts';

test('the nearest steps are named, through derivations that are none, and none behind a step', async () => {
  const store = createFakeStore();
  store.inputs.set(drvPath('image'), [drvPath('between'), drvPath('app')]);
  store.inputs.set(drvPath('between'), [drvPath('deeper')]);
  store.inputs.set(drvPath('deeper'), [drvPath('tool')]);
  store.inputs.set(drvPath('app'), [drvPath('lib')]);
  const steps = new Set(['image', 'app', 'lib', 'tool'].map(drvPath));

  const needs = await findNeeds(steps, store);

  expect(needs.get(drvPath('image'))?.toSorted()).toEqual([drvPath('app'), drvPath('tool')]);
  expect(needs.get(drvPath('app'))).toEqual([drvPath('lib')]);
  expect(needs.get(drvPath('lib'))).toEqual([]);
});

test('a closure that names every step in each of thousands of derivations does not fill the memory', async () => {
  const store = createFakeStore();
  const names = Array.from({ length: 300 }, (_, at) => drvPath(`step-${at}`));
  store.inputs.set(drvPath('link-0'), names);
  for (let at = 1; at < 300; at += 1) {
    store.inputs.set(drvPath(`link-${at}`), [drvPath(`link-${at - 1}`)]);
  }
  store.inputs.set(drvPath('end'), [drvPath('link-299')]);

  const needs = await findNeeds(new Set([...names, drvPath('end')]), store, 1_000);

  expect(needs.size).toBe(301);
  expect([...needs.values()].flat().length).toBeLessThanOrEqual(1_000);
});
