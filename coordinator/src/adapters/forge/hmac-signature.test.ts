import { createHmac } from 'node:crypto';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import { judgeHmac } from './hmac-signature.ts';

const BODY = Buffer.from('{"a": "ä"}');

function signed(secret: string, body = BODY): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

describe('judgeHmac', () => {
  it('the digest of the very bytes is good, in either case of letters', () => {
    expect(judgeHmac(signed('s'), BODY, [new Secret('s')])).toBe('good');
    expect(judgeHmac(signed('s').toUpperCase(), BODY, [new Secret('s')])).toBe('good');
  });

  it('one byte more or less is bad', () => {
    const secrets = [new Secret('s')];

    expect(judgeHmac(signed('s'), Buffer.concat([BODY, Buffer.from(' ')]), secrets)).toBe('bad');
    expect(judgeHmac(signed('s'), BODY.subarray(1), secrets)).toBe('bad');
    expect(judgeHmac(signed('s').slice(1), BODY, secrets)).toBe('bad');
    expect(judgeHmac(`${signed('s')}00`, BODY, secrets)).toBe('bad');
  });

  it('any of the secrets is good enough, and no secret is none', () => {
    expect(judgeHmac(signed('b'), BODY, [new Secret('a'), new Secret('b'), new Secret('c')])).toBe('good');
    expect(judgeHmac(signed('b'), BODY, [new Secret('a')])).toBe('bad');
    expect(judgeHmac(signed(''), BODY, [])).toBe('bad');
  });

  it('nothing is missing, and rubbish is bad', () => {
    expect(judgeHmac(undefined, BODY, [new Secret('s')])).toBe('missing');
    expect(judgeHmac('', BODY, [new Secret('s')])).toBe('bad');
    expect(judgeHmac('z'.repeat(64), BODY, [new Secret('s')])).toBe('bad');
  });
});
