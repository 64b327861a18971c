import { expect, test } from 'vitest';
import { createOneAtATime } from './one-at-a-time.ts';

test('many askers during a run share one more run, which begins after it', async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  let atOnce = 0;
  let most = 0;
  const ask = createOneAtATime(async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    atOnce -= 1;
  });
  const first = ask();
  await new Promise(setImmediate);

  const others = [ask(), ask(), ask()];
  expect(gates.length).toBe(1);
  gates[0]?.resolve();
  await first;
  await new Promise(setImmediate);
  expect(gates.length).toBe(2);
  const late = ask();
  gates[1]?.resolve();
  await Promise.all(others);
  await new Promise(setImmediate);
  expect(gates.length).toBe(3);
  gates[2]?.resolve();
  await late;
  const again = ask();
  await new Promise(setImmediate);
  gates[3]?.resolve();
  await again;

  expect(gates.length).toBe(4);
  expect(most).toBe(1);
});

test('a run that fails is told to its own askers alone', async () => {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const ask = createOneAtATime(async () => {
    runs += 1;
    if (runs === 1) {
      await gate.promise;
      throw new Error('the disk is full');
    }
  });
  const first = ask();
  await new Promise(setImmediate);
  const second = ask();
  gate.resolve();

  await expect(first).rejects.toThrow('the disk is full');
  await second;
  await ask();

  expect(runs).toBe(3);
});

test('who asks during the pause after a run is answered by the run that comes after it', async () => {
  let pause: PromiseWithResolvers<void> | undefined;
  let runs = 0;
  const ask = createOneAtATime(
    () => {
      runs += 1;
      pause = Promise.withResolvers();
      return Promise.resolve();
    },
    () => pause?.promise ?? Promise.resolve(),
  );
  await ask();

  const others = [ask(), ask()];
  await new Promise(setImmediate);
  others.push(ask());
  expect(runs).toBe(1);
  pause?.resolve();
  await Promise.all(others);

  expect(runs).toBe(2);
});
