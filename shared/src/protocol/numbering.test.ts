import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNumbering } from './numbering.ts';

/** Two ends and a wire that is cut at any moment, with whatever was on it lost. */
type Act = 'send' | 'arrive' | 'ack' | 'cut';

test('over any number of cuts every message arrives once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom<Act>('send', 'arrive', 'ack', 'cut'), { maxLength: 200 }),
      (acts) => {
        const sender = createNumbering<number>();
        const receiver = createNumbering<never>();
        let wire: { readonly number: number; readonly message: number }[] = [];
        const got: number[] = [];
        let sent = 0;
        function arrive(): void {
          const first = wire.shift();
          if (first !== undefined && receiver.judge(first.number) === 'next') {
            got.push(first.message);
          }
        }
        for (const act of [...acts, 'cut' as const]) {
          switch (act) {
            case 'send':
              sent += 1;
              wire.push({ number: sender.send(sent) ?? 0, message: sent });
              break;
            case 'arrive':
              arrive();
              break;
            case 'ack':
              sender.acked(receiver.received);
              break;
            case 'cut':
              wire = [...sender.resume(receiver.received)];
          }
        }
        while (wire.length > 0) {
          arrive();
        }
        expect(got).toEqual(Array.from({ length: sent }, (_, at) => at + 1));
      },
    ),
  );
});

test('a gap, and an acknowledgement of what was never sent, are told apart', () => {
  const numbering = createNumbering<string>();
  numbering.send('a');

  expect([numbering.judge(2), numbering.judge(1), numbering.judge(1)]).toEqual(['gap', 'next', 'seen']);
  expect([numbering.acked(2), numbering.acked(1)]).toEqual([false, true]);
  expect(numbering.waiting).toBe(0);
});

test('no more is kept than may wait, and a new session begins anew', () => {
  const numbering = createNumbering<string>(2);

  expect([numbering.send('a'), numbering.send('b'), numbering.send('c')]).toEqual([1, 2, undefined]);
  expect(numbering.resume(null)).toEqual([]);
  expect(numbering.send('d')).toBe(1);
});
