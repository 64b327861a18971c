import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDerivation } from './derivation.ts';
import { installedNixes, instantiate } from './testing/real-nix.ts';

const SAMPLE = String.raw`Derive([("dev","/nix/store/a-dev","",""),("out","/nix/store/a","r:sha256","00")],[("/nix/store/x.drv",["dev","out"]),("/nix/store/y.drv",["out"])],["/nix/store/src"],"x86_64-linux","/bin/sh",["-c","echo \"hi\"\n\t\\$x"],[("name","a"),("odd","\a\r"),("requiredSystemFeatures","kvm  big-parallel")])`;

test('everything that a derivation says is read', () => {
  expect(parseDerivation(SAMPLE)).toEqual({
    kind: 'derivation',
    outputs: [
      { name: 'dev', path: '/nix/store/a-dev', hashAlgorithm: '', hash: '' },
      { name: 'out', path: '/nix/store/a', hashAlgorithm: 'r:sha256', hash: '00' },
    ],
    inputDrvs: [
      { drvPath: '/nix/store/x.drv', outputs: ['dev', 'out'] },
      { drvPath: '/nix/store/y.drv', outputs: ['out'] },
    ],
    inputSrcs: ['/nix/store/src'],
    system: 'x86_64-linux',
    requiredSystemFeatures: ['kvm', 'big-parallel'],
    env: new Map([
      ['name', 'a'],
      ['odd', 'a\r'],
      ['requiredSystemFeatures', 'kvm  big-parallel'],
    ]),
  });
});

test('what Nix itself wrote is read, structured attributes too', async () => {
  const [nix] = installedNixes();
  const drvs =
    nix === undefined
      ? {}
      : await instantiate(
          nix,
          String.raw`a = build "a" "echo \"quoted\\\" and $more\n\ttabbed é\"" { outputs = [ "out" "dev" ]; };
           b = build "b" "true" { inherit a; __structuredAttrs = true; requiredSystemFeatures = [ "kvm" ]; };`,
        );

  const a = parseDerivation(await readFile(drvs['a'] ?? '', 'utf8'));
  const b = parseDerivation(await readFile(drvs['b'] ?? '', 'utf8'));

  expect(a).toMatchObject({ kind: 'derivation', outputs: [{ name: 'dev' }, { name: 'out' }] });
  expect(b).toMatchObject({
    inputDrvs: [{ drvPath: drvs['a'], outputs: ['out'] }],
    requiredSystemFeatures: ['kvm'],
    system: 'x86_64-linux',
  });
});

test.each([
  ['', 'expected Derive( at 0, got nothing'],
  ['DrvWithVersion("xp-dyn-drv",[', 'expected Derive( at 0, got "DrvWithVersion("xp-d"'],
  ['Derive([("out"', 'expected , at 14, got nothing'],
  [`${SAMPLE}x`, 'expected the end'],
  ['Derive(["', 'expected ( at 8'],
])('%j is refused with where it went wrong', (text, reason) => {
  const parsed = parseDerivation(text);

  expect(parsed.kind).toBe('refused');
  expect(parsed.kind === 'refused' ? parsed.reason.replaceAll('\\"', '"') : '').toContain(reason);
});

test('rubbish is refused or read, never thrown', () => {
  fc.assert(
    fc.property(fc.nat(SAMPLE.length), fc.nat(20), fc.string({ maxLength: 20 }), (at, removed, inserted) => {
      const text = SAMPLE.slice(0, at) + inserted + SAMPLE.slice(at + removed);

      expect(['derivation', 'refused']).toContain(parseDerivation(text).kind);
    }),
    { numRuns: 2_000 },
  );
});

test('a megabyte of escapes is read in one go', () => {
  const value = String.raw`\n`.repeat(500_000);
  const parsed = parseDerivation(`Derive([],[],[],"s","b",[],[("x","${value}")])`);

  expect(parsed.kind === 'derivation' && parsed.env.get('x')?.length).toBe(500_000);
});
