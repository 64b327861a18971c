import { array, assert, asyncProperty, nat } from 'fast-check';
import { expect, test } from 'vitest';
import { readEvents, type ServerEvent } from './event-stream.ts';

const STREAM =
  ': hello\r\nretry: 2000\n\nid: 3.1\nevent: lines\ndata: ["grüß 漢"]\n\n: keep-alive\n\ndata: a\ndata: b\n\nid: 3.2\n\nevent: end\ndata: {}\n\nevent: lost\ndata: no end';
const EVENTS: readonly ServerEvent[] = [
  { name: 'lines', data: '["grüß 漢"]', lastId: '3.1' },
  { name: 'message', data: 'a\nb', lastId: '3.1' },
  { name: 'end', data: '{}', lastId: '3.2' },
];

test('a stream that is cut anywhere is read the same', async () => {
  const bytes = Buffer.from(STREAM);

  await assert(
    asyncProperty(array(nat(bytes.length), { maxLength: 6 }), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));

      expect(await readAll(chunks)).toEqual(EVENTS);
    }),
    { numRuns: 200 },
  );
});

test('a line without an end is refused before it fills the memory', async () => {
  const endless = Array.from({ length: 40 }, () => Buffer.alloc(1024 * 1024, 'x'));

  await expect(readAll(endless)).rejects.toThrow('too long');
});

async function readAll(chunks: readonly Buffer[]): Promise<readonly ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(toAsync(chunks))) {
    events.push(event);
  }
  return events;
}

async function* toAsync(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    yield await Promise.resolve(chunk);
  }
}
