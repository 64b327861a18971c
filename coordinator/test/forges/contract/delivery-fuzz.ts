/** Recorded payloads, broken in every way: a dialect never throws, and what it brands is what it says. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { array, assert, boolean, constantFrom, nat, property, tuple, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeliveryHeaders } from '../../../src/ports/forge-deliveries.ts';
import type { DeliveryCase, DialectContract } from '../forge-subject.ts';
import { anyHeaders, anyValue, changed, placesOf, shrunk, textOf } from './break-payload.ts';
import { judgeParsed } from './judge-parsed.ts';

const RUNS = { numRuns: 400 };
const VALUES = [undefined, null, -1, 'x y', [], '0'.repeat(40)];
const VERDICTS = ['good', 'missing', 'bad', 'stale'];

export function describeDeliveryFuzz({ dialect, sign, cases }: DialectContract): void {
  const aCase = constantFrom(...cases);

  /** What is wrong with the answers of the dialect to this; empty when nothing is. */
  function oddities(headers: DeliveryHeaders, body: Buffer): readonly string[] {
    const slug: unknown = dialect.peekSlug(body);
    const verdict = dialect.judgeSignature(headers, body, [new Secret('s')], toEpochMs(0));
    return [
      ...judgeParsed(dialect.parse(headers, body)),
      ...(slug === undefined || typeof slug === 'string' ? [] : ['the slug is no string']),
      ...(VERDICTS.includes(verdict) ? [] : ['the verdict is none']),
    ];
  }

  describe('deliveries that are broken', () => {
    it('a payload with values that are gone or others is answered, not thrown at', () => {
      expect.hasAssertions();
      const changes = array(tuple(nat(), anyValue()), { minLength: 1, maxLength: 4 });
      assert(
        property(aCase, changes, (from, places) => {
          let payload = shrunk(from.payload);
          for (const [place, value] of places) {
            payload = changed(payload, place, value);
          }
          expect(oddities(from.headers, textOf(payload))).toEqual([]);
        }),
        RUNS,
      );
    });

    it('each single value that a reading could stumble over may be gone or of another type', () => {
      const odd = ofEachForm(cases).flatMap(({ title, headers, payload: whole, expected }) => {
        const payload = shrunk(whole);
        expect(dialect.parse(headers, textOf(payload)), 'what was left out is not read').toEqual(expected);
        return placesOf(payload).flatMap((place) =>
          VALUES.flatMap((value) =>
            oddities(headers, textOf(changed(payload, place, value))).map(
              (what) => `${title}, ${place}, ${JSON.stringify(value)}: ${what}`,
            ),
          ),
        );
      });

      expect(odd).toEqual([]);
    });

    it('a body that ends early or has bytes changed is answered', () => {
      expect.hasAssertions();
      assert(
        property(aCase, nat(), nat(255), boolean(), (from, place, byte, isCut) => {
          const body = textOf(from.payload);
          const at = place % body.length;
          body[at] = byte;
          expect(oddities(from.headers, isCut ? body.subarray(0, at) : body)).toEqual([]);
        }),
        RUNS,
      );
    });

    it('rubbish is answered', () => {
      expect.hasAssertions();
      assert(
        property(uint8Array({ maxLength: 200 }), anyHeaders(cases), (bytes, headers) => {
          expect(oddities(headers, Buffer.from(bytes))).toEqual([]);
        }),
        RUNS,
      );
    });

    it('rubbish in the headers is answered', () => {
      expect.hasAssertions();
      assert(
        property(aCase, anyHeaders(cases), (from, headers) => {
          const body = textOf(from.payload);
          expect(oddities({ ...from.headers, ...sign(body, 's', 0), ...headers }, body)).toEqual([]);
        }),
        RUNS,
      );
    });

    it('a payload of another event is answered', () => {
      const odd = cases.flatMap((one) =>
        cases.flatMap((other) => oddities(one.headers, textOf(other.payload))),
      );

      expect(odd).toEqual([]);
    });

    it('nesting without end and values without end are answered', () => {
      const deep = `${'{"repository":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
      const list = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const long = 'x'.repeat(5_000_000);
      const odd = cases.slice(0, 3).flatMap(({ headers, payload }) => {
        const text = JSON.stringify(payload);
        const read = /"(ref|sha|full_name|path_with_namespace|login|username)":"[^"]*"/g;
        return [
          deep,
          list,
          text.replaceAll(/:"/g, `:"${'../'.repeat(2_000)}`),
          text.replaceAll(read, (_, name: string) => `"${name}":"${long.slice(0, 100_000)}"`),
          text.replace('{', `{"filler":"${long}",`),
        ].flatMap((body) => oddities(headers, Buffer.from(body)));
      });

      expect(odd).toEqual([]);
    });
  });
}

/** One case of each event and outcome: the others are of the same form. */
function ofEachForm(cases: readonly DeliveryCase[]): readonly DeliveryCase[] {
  const forms = new Map(
    cases.map((one) => {
      const kind = one.expected.kind === 'delivery' ? one.expected.event.kind : 'malformed';
      return [`${JSON.stringify(one.headers)} ${kind}`, one];
    }),
  );
  return [...forms.values()];
}
