import { expect, it } from 'vitest';
import { parseOptions } from './options.ts';

it('has a usual way that needs no option', () => {
  expect(parseOptions([], '/here', '/state')).toEqual({
    kind: 'options',
    options: {
      isOnce: false,
      isJson: false,
      flakeDirectory: undefined,
      port: undefined,
      stateDirectory: '/state',
      builders: 1,
    },
  });
});

it('takes directories as seen from where it was called', () => {
  const verdict = parseOptions(
    ['--flake', '../mine', '--state=s', '--port', '81', '--once'],
    '/a/b',
    '/state',
  );

  expect(verdict).toMatchObject({
    options: { isOnce: true, flakeDirectory: '/a/mine', stateDirectory: '/a/b/s', port: 81 },
  });
});

it.each([
  [['--builders', '200'], /expected 0 to 20, got "200"/],
  [['--builders', 'many'], /expected 0 to 20, got "many"/],
  [['--port', '0'], /expected 1 to 65535, got "0"/],
  [['--port', '65536'], /expected 1 to 65535/],
  [['--prot', '80'], /--prot/],
  [['--state'], /--state/],
  [['a-flake'], /a-flake/],
])('refuses %j with a sentence', (args, sentence) => {
  const verdict = parseOptions(args, '/', '/state');

  expect(verdict.kind).toBe('refused');
  expect('reason' in verdict && verdict.reason).toMatch(sentence);
});

it('allows no builders at all, and help besides anything', () => {
  expect(parseOptions(['--builders', '0'], '/', '/s').kind).toBe('options');
  expect(parseOptions(['--once', '-h'], '/', '/s').kind).toBe('help');
});
