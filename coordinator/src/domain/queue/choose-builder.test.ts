import { expect, test } from 'vitest';
import { offered, planned, queuedJob } from '../../../test/queue-fixture.ts';
import type { BuilderOffer } from '../builder-offer.ts';
import { chooseBuilder } from './choose-builder.ts';
import { createClaims } from './claims.ts';
import type { RosterBuilder } from './roster.ts';
import type { Step } from './step.ts';
import { createStepGraph } from './step-graph.ts';

function stepOf(expectedMs: number, traits: Partial<Step> = {}): Step {
  const line = { enter: () => undefined, leave: () => undefined, lowered: () => undefined };
  const graph = createStepGraph(createClaims(), line);
  const [step] = graph.add([queuedJob(1, 'app')], [planned('app', [], { expectedMs })]).steps;
  if (step === undefined) {
    throw new Error('expected a step');
  }
  return Object.assign(step, traits);
}

function builder(
  name: string,
  offer: Partial<BuilderOffer> = {},
  traits: Partial<RosterBuilder> = {},
): RosterBuilder {
  return {
    name,
    order: 0,
    offer: offered(offer),
    isPresent: true,
    isExpectedOffline: false,
    leftAt: 0,
    serves: new Set(),
    used: 0,
    quarantine: null,
    isOnProbation: false,
    pause: null,
    spoiled: new Set(),
    strikes: 0,
    ...traits,
  };
}

test('a long build goes to the faster builder, a short one to where its inputs are', () => {
  const builders = [builder('fast', { speedFactor: 2 }), builder('near')];

  expect(chooseBuilder(stepOf(600_000, { foundAt: ['near'] }), builders)?.name).toBe('fast');
  expect(chooseBuilder(stepOf(1_000, { foundAt: ['near'] }), builders)?.name).toBe('near');
});

test('where it was spoiled it goes again only when there is nobody else', () => {
  const [fast, slow] = [builder('fast', { speedFactor: 9 }), builder('slow')];
  const step = stepOf(600_000, { spoiledAt: ['fast'] });

  expect(chooseBuilder(step, [fast, slow])?.name).toBe('slow');
  expect(chooseBuilder(step, [fast])?.name).toBe('fast');
});

test('of two that are as fast, who has fewer features gets it, then who is less full, then who was known first', () => {
  const step = stepOf(1_000);
  const full = builder('a', { slots: 2 }, { used: 1 });

  expect(chooseBuilder(step, [builder('a', { features: ['kvm'] }), builder('b')])?.name).toBe('b');
  expect(chooseBuilder(step, [full, builder('b', { slots: 2 })])?.name).toBe('b');
  expect(chooseBuilder(step, [builder('a', {}, { order: 1 }), builder('b')])?.name).toBe('b');
});
