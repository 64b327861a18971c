import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Duplex, duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { compressedDuplex } from './compressed-duplex.ts';

function joined(): { readonly ours: Duplex; readonly theirs: Duplex; readonly wire: Duplex } {
  const [wire, other] = duplexPair();
  return { ours: compressedDuplex(wire), theirs: compressedDuplex(other), wire };
}

/** Not by iteration: that takes a stream down at its end, the direction that still writes too. */
async function allOf(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

test('what is written at one end is read at the other, both ways, to its end', async () => {
  const { ours, theirs } = joined();
  const [there, back] = [randomBytes(3_000_000), Buffer.alloc(3_000_000, 'text ')];

  const received = [allOf(theirs), allOf(ours)];
  ours.end(there);
  theirs.end(back);

  const [atTheirs = back, atOurs = there] = await Promise.all(received);
  expect(atTheirs.equals(there) && atOurs.equals(back)).toBe(true);
});

test('a question arrives before anything follows it, and so does its answer', async () => {
  const { ours, theirs } = joined();

  for (const word of ['one', 'two', 'three']) {
    ours.write(word);
    const [asked] = (await once(theirs, 'data')) as [Buffer];
    theirs.write(`answer to ${asked.toString()}`);
    const [answer] = (await once(ours, 'data')) as [Buffer];
    expect(answer.toString()).toBe(`answer to ${word}`);
  }
});

test('who reads slowly holds the writer back', async () => {
  const { ours } = joined();
  let accepted = 0;
  // Nobody reads the other end: the writer must be told to stop long before this is through.
  while (accepted < 2_000 && (ours.write(randomBytes(65_536)) || (await isDrainedSoon(ours)))) {
    accepted += 1;
  }

  expect(accepted).toBeLessThan(100);
});

async function isDrainedSoon(stream: Duplex): Promise<boolean> {
  const timeout = AbortSignal.timeout(300);
  return await once(stream, 'drain', { signal: timeout }).then(
    () => true,
    () => false,
  );
}

test.each([
  ['bytes that are not compressed', (wire: Duplex) => wire.write('never compressed')],
  ['a cut', (wire: Duplex) => wire.destroy()],
])('%s close it', async (_, spoil) => {
  const [wire, other] = duplexPair();
  const ours = compressedDuplex(other);
  ours.on('error', () => undefined);
  const closed = once(ours, 'close');

  spoil(wire);
  other.destroy();

  await closed;
  expect(ours.destroyed).toBe(true);
});
