import { expect, test } from 'vitest';
import { parseSettings } from './settings.ts';

const GIVEN = {
  argunixHost: 'ci.example.com',
  argunixPort: '2222',
  stateDir: '/var/lib/builder',
  minFreeDisk: '2G',
  stopWithin: '600',
  logLevel: 'info',
};

test('what is given becomes values', () => {
  expect(parseSettings({ ...GIVEN, name: 'atlas', systems: 'a, b,', speedFactor: '1.5' })).toMatchObject({
    host: 'ci.example.com',
    port: 2222,
    name: 'atlas',
    minFreeDiskBytes: 2 * 2 ** 30,
    stopWithinMs: 600_000,
    offer: { slots: null, systems: ['a', 'b'], features: null, mandatoryFeatures: [], speedFactor: 1.5 },
  });
});

test.each([
  ['argunixPort', '0', '--argunix-port: expected a number from 1 to 65535, got "0"'],
  ['argunixPort', '', '--argunix-port: expected a number'],
  ['name', 'a builder', '--name: expected a name of 1 to 64 letters'],
  ['hostKeyFingerprint', 'SHA256:short', '--host-key-fingerprint: expected a fingerprint'],
  ['minFreeDisk', 'much', '--min-free-disk: expected a size such as 2G, got "much"'],
  ['maxJobs', '1.5', '--max-jobs'],
  ['speedFactor', '-1', '--speed-factor: expected a number from 0.01 to 1000'],
  ['logLevel', 'loud', '--log-level'],
])('%s of %j is refused with a sentence', (option, value, sentence) => {
  expect(() => parseSettings({ ...GIVEN, [option]: value })).toThrow(sentence);
});

test('all that is wrong is told together', () => {
  const { argunixHost: _, ...rest } = GIVEN;

  expect(() => parseSettings({ ...rest, argunixPort: 'http' })).toThrow(
    /--argunix-host: expected the host.*--argunix-port: expected a number/,
  );
});
