import { once } from 'node:events';
import { duplexPair, PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { compressedDuplex } from './compressed-duplex.ts';
import { joinServeChannel } from './serve-channel.ts';

test('small answers travel together, and none is kept back', async () => {
  const [ours, theirs] = duplexPair();
  const store = { stdin: new PassThrough(), stdout: new PassThrough() };
  joinServeChannel(theirs, store, 'none');
  const packets: Buffer[] = [];
  ours.on('data', (packet: Buffer) => packets.push(packet));

  for (let answer = 0; answer < 1_000; answer += 1) {
    store.stdout.write(Buffer.alloc(8, answer));
  }
  store.stdout.end();
  await once(ours, 'end');

  expect(Buffer.concat(packets).length).toBe(8_000);
  expect(packets.length).toBeLessThan(200);
});

test.each(['none', 'zstd'] as const)(
  'a question reaches the process and its answer comes back: %s',
  async (compression) => {
    const [wire, theirs] = duplexPair();
    const ours = compression === 'zstd' ? compressedDuplex(wire) : wire;
    const store = { stdin: new PassThrough(), stdout: new PassThrough() };
    joinServeChannel(theirs, store, compression);

    ours.write('question');
    const [question] = (await once(store.stdin, 'data')) as [Buffer];
    store.stdout.write('answer');
    const [answer] = (await once(ours, 'data')) as [Buffer];

    expect([question.toString(), answer.toString()]).toEqual(['question', 'answer']);
  },
);
