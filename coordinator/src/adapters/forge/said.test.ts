import { describe, expect, it } from 'vitest';
import { said } from './said.ts';

describe('said', () => {
  it.each<[unknown, string]>([
    [{ message: 'Not Found', documentation_url: 'https://docs' }, ': Not Found'],
    [
      {
        message: 'Validation Failed',
        errors: [{ resource: 'Hook', code: 'custom', message: 'Hook already exists' }],
      },
      ': Validation Failed; Hook already exists',
    ],
    [
      { message: 'Invalid request.', errors: ['No commit found for SHA'] },
      ': Invalid request.; No commit found for SHA',
    ],
    [{ message: { url: ['is blocked', 'is odd'] } }, ': url is blocked, is odd'],
    [{ message: ['one', 'two'] }, ': one, two'],
    ['<html>\n\u001b[31mgone', ': <html> [31mgone'],
    ['', ''],
    [undefined, ''],
    [null, ''],
    [[1], ''],
    [{ message: 7 }, ''],
  ])('%j', (body, sentence) => {
    expect(said(body)).toBe(sentence);
  });

  it('not much of it', () => {
    expect(said({ message: 'x'.repeat(5_000) })).toHaveLength(202);
  });

  it('nesting without end is no trouble', () => {
    const deep: unknown = JSON.parse(`{"message":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`);

    expect(said(deep)).toBe('');
  });
});
