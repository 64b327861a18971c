import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import type { DialectContract } from '../forge-subject.ts';

const NOW = toEpochMs(Date.parse('2026-03-01T12:00:00Z'));
const SECRET = new Secret('first');
const NEXT = new Secret('second');
/** What every forge tells; more is up to each. */
const KINDS = ['push', 'deleted', 'request', 'closed', 'ignored'];

export function describeDeliveries({ dialect, sign, cases }: DialectContract): void {
  const body = Buffer.from(JSON.stringify(cases[0]?.payload));

  describe('judgeSignature', () => {
    it('the right secret is good', () => {
      expect(dialect.judgeSignature(sign(body, 'first', NOW), body, [SECRET], NOW)).toBe('good');
    });

    it('either of two secrets is good, so that one can be changed', () => {
      expect(dialect.judgeSignature(sign(body, 'first', NOW), body, [NEXT, SECRET], NOW)).toBe('good');
      expect(dialect.judgeSignature(sign(body, 'second', NOW), body, [SECRET, NEXT], NOW)).toBe('good');
    });

    it('another secret is bad', () => {
      expect(dialect.judgeSignature(sign(body, 'other', NOW), body, [SECRET, NEXT], NOW)).toBe('bad');
    });

    it('no secret at all accepts nothing', () => {
      expect(dialect.judgeSignature(sign(body, 'first', NOW), body, [], NOW)).toBe('bad');
    });

    it('no signature is missing', () => {
      expect(dialect.judgeSignature({}, body, [SECRET], NOW)).toBe('missing');
    });

    it('rubbish in place of the signature is bad or missing', () => {
      const names = Object.keys(sign(body, 'first', NOW));
      for (const rubbish of ['', ' ', 'sha256=', 'sha256=00', 'ä', 'x'.repeat(10_000), ['a', 'b']]) {
        const headers = Object.fromEntries(names.map((name) => [name, rubbish]));

        expect(['bad', 'missing']).toContain(dialect.judgeSignature(headers, body, [SECRET], NOW));
      }
    });
  });

  describe('parse', () => {
    it('there is a case for everything that every forge tells', () => {
      const kinds = cases.map(({ expected }) =>
        expected.kind === 'delivery' ? expected.event.kind : 'malformed',
      );

      expect(KINDS.filter((kind) => !kinds.includes(kind as never))).toEqual([]);
    });

    it.each(cases)('a delivery of $title', ({ headers, payload, expected }) => {
      expect(dialect.parse(headers, Buffer.from(JSON.stringify(payload)))).toEqual(expected);
    });

    it('the repository is found before anything is verified', () => {
      const found = cases.map(({ payload, expected }) => ({
        peeked: dialect.peekSlug(Buffer.from(JSON.stringify(payload))),
        named: expected.kind === 'delivery' ? expected.repository?.slug : undefined,
      }));

      expect(found.filter(({ peeked, named }) => named !== undefined && peeked !== named)).toEqual([]);
    });

    it('a body that is no JSON is malformed, and so is one that is no object', () => {
      const headers = cases.find(({ expected }) => expected.kind === 'delivery')?.headers ?? {};
      for (const text of ['', '{', 'null', '[]', '3', '"x"', '\u0000', 'payload=', '<html>']) {
        expect(dialect.parse(headers, Buffer.from(text)).kind, text).toBe('malformed');
        expect(dialect.peekSlug(Buffer.from(text)), text).toBeUndefined();
      }
    });
  });
}
