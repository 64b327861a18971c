import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const FIXTURES = fileURLToPath(new URL('config/fixtures/', import.meta.url));

function argunix(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=source', MAIN, ...args], {
    cwd: FIXTURES,
    env: { CREDENTIALS_DIRECTORY: '/run/credentials', SECRETS: '/run/secrets' },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, out: stdout, err: stderr };
}

describe('argunix check', () => {
  test.each(['bad-listen', 'syntax', 'empty'])(
    'refuses %s with 1 and says why on standard output',
    (name) => {
      const { code, out } = argunix('check', '--config', `${name}.yaml`, '--skip-secrets');

      expect(out).toBe(readFileSync(`${FIXTURES}${name}.txt`, 'utf8'));
      expect(code).toBe(1);
    },
  );

  test('sums a good configuration up in its last line and ends with 0', () => {
    const { code, out } = argunix('check', '--config', 'good.yaml', '--skip-secrets');

    expect(out.trimEnd().split('\n').at(-1)).toBe('good.yaml: OK, 3 forges, 3 repositories');
    expect(code).toBe(0);
  });

  test('looks at secrets unless told not to', () => {
    const { code, out } = argunix('check', '--config', 'good.yaml');

    expect(out).toContain(
      'forges.codeberg.token_path\n  expected a readable file that holds the secret, got ENOENT',
    );
    expect(code).toBe(1);
  });
});

test('argunix schema prints a JSON schema that knows every top-level key and refuses others', () => {
  const { code, out } = argunix('schema');

  expect(JSON.parse(out)).toMatchObject({
    additionalProperties: false,
    required: ['external_url', 'forges'],
    properties: { listen: { default: '127.0.0.1:8080' } },
  });
  expect(code).toBe(0);
});

test.each([
  [[]],
  [['chekc']],
  [['check']],
  [['check', '--config']],
  [['schema', '--wrong']],
  [['schema', 'extra']],
])('argunix %j is wrong usage: 2, and nothing on standard output', (args) => {
  const { code, out, err } = argunix(...args);

  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).not.toBe('');
});

test.each([['--help'], ['--version'], ['check', '--help']])('argunix %s %s ends with 0', (...args) => {
  const { code, out } = argunix(...args);

  expect(out).not.toBe('');
  expect(code).toBe(0);
});
