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
  await Promise.resolve();

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
  const ask = createOneAtATime(async () => {
    runs += 1;
    await Promise.resolve();
    if (runs === 1) {
      throw new Error('the disk is full');
    }
  });
  const first = ask();
  const second = ask();

  await expect(first).rejects.toThrow('the disk is full');
  await second;
  await ask();

  expect(runs).toBe(3);
});
