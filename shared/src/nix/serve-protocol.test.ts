import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWireReader, createWireWriter } from './serve-protocol.ts';

/** The bytes in pieces that cut through every field. */
function inPieces(bytes: Buffer, size: number): Readable {
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += size) {
    pieces.push(bytes.subarray(from, from + size));
  }
  return Readable.from(pieces);
}

test('a string is its length, its bytes and zeros up to eight, least significant byte first', () => {
  expect(createWireWriter().integer(258).string('abc').strings(['x']).bytes().toString('hex')).toBe(
    [
      '0201000000000000',
      '0300000000000000',
      '6162630000000000',
      '0100000000000000',
      '0100000000000000',
      '7800000000000000',
    ].join(''),
  );
});

test('what is written is read, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 20 }),
      fc.nat(),
      fc.integer({ min: 1, max: 50 }),
      async (strings, count, pieceSize) => {
        const bytes = createWireWriter().strings(strings).integer(count).bytes();
        const reader = createWireReader(inPieces(bytes, pieceSize));

        expect(await reader.strings(20, 1_000)).toEqual(strings);
        expect(await reader.integer()).toBe(count);
      },
    ),
    { numRuns: 100 },
  );
});

test.each([
  ['a length beyond the bound', 'ffffffff00000000', 'expected at most'],
  ['a number beyond 2^53', 'ffffffffffffffff', 'expected a count'],
  ['a string that is cut off', '0300000000000000616200', 'ended in the middle'],
  ['padding that is not zero', '01000000000000006100000000000001', 'expected zeros'],
])('%s is refused', async (_, hex, message) => {
  const reader = createWireReader(inPieces(Buffer.from(hex, 'hex'), 5));

  await expect(reader.string(100)).rejects.toThrow(message);
});
