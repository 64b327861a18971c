import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import { gitHubDialect } from '../../../src/adapters/forge/github/dialect.ts';
import { CASES, headersOf, sign } from './delivery-cases.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

function formOf(payload: unknown): Buffer {
  return Buffer.from(new URLSearchParams({ payload: JSON.stringify(payload) }).toString());
}

describe('a hook that sends forms', () => {
  it.each(CASES)('a delivery of $title means the same', ({ headers, payload, expected }) => {
    const body = formOf(payload);

    expect(gitHubDialect.parse({ ...headers, ...FORM }, body)).toEqual(expected);
    expect(gitHubDialect.peekSlug(body)).toBe(gitHubDialect.peekSlug(Buffer.from(JSON.stringify(payload))));
  });

  it('the signature is of the form, not of what is in it', () => {
    const payload = CASES[0]?.payload;
    const judge = (signed: Buffer): string =>
      gitHubDialect.judgeSignature(sign(signed, 's'), formOf(payload), [new Secret('s')], toEpochMs(0));

    expect(judge(formOf(payload))).toBe('good');
    expect(judge(Buffer.from(JSON.stringify(payload)))).toBe('bad');
  });

  it.each(['', 'payload=', 'payload=%7B', 'other=1', 'payload=1'])('%j is malformed', (text) => {
    expect(gitHubDialect.parse({ ...headersOf('push'), ...FORM }, Buffer.from(text)).kind).toBe('malformed');
  });
});

describe('the headers of a delivery', () => {
  it('the signature of old, by SHA-1, is none', () => {
    const headers = { 'x-hub-signature': `sha1=${'0'.repeat(40)}` };

    expect(gitHubDialect.judgeSignature(headers, Buffer.from('{}'), [new Secret('s')], toEpochMs(0))).toBe(
      'missing',
    );
  });

  it('without the name of the event a delivery is malformed', () => {
    expect(gitHubDialect.parse({}, Buffer.from('{}'))).toEqual({
      kind: 'malformed',
      reason: 'expected the header X-GitHub-Event',
    });
  });

  it('without an id a delivery has none', () => {
    const { payload } = CASES[0] ?? {};
    const parsed = gitHubDialect.parse({ 'x-github-event': 'push' }, Buffer.from(JSON.stringify(payload)));

    expect(parsed).toMatchObject({ kind: 'delivery', uid: null });
  });

  it('an odd name of an event is not repeated', () => {
    const parsed = gitHubDialect.parse({ 'x-github-event': '<script>' }, Buffer.from('{}'));

    expect(parsed).toMatchObject({
      event: { kind: 'ignored', reason: 'The event of an unknown name is not used.' },
    });
  });
});
