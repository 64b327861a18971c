import { existsSync, readFileSync } from 'node:fs';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { AppError } from '@argunix/shared/kit/app-error';
import { outputOf } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { createWireWriter } from '@argunix/shared/nix/serve-protocol';
import { installedNixes, instantiate, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ClosureCarrier, createClosureCarrier } from './closure-carrier.ts';
import { createDerivationFacts } from './derivation-facts.ts';
import type { PathInfo } from './path-info.ts';
import { honestInfo, infosAnswer, type Lies, lyingBuilder, narOf } from './testing/lying-builder.ts';

/** Of this test process: each is a child of its own. */
function ownServeProcesses(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return children
    .split(' ')
    .filter((pid) => existsSync(`/proc/${pid}/cmdline`))
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--serve')).length;
}

async function troubleOf(work: Promise<unknown>): Promise<AppError> {
  return await work.then(
    () => {
      throw new Error('expected a refusal, and it went through');
    },
    (error: unknown) => error as AppError,
  );
}

const QUIET = { progress: () => undefined };
const FAR_AWAY = '/nix/store/00000000000000000000000000000000-elsewhere';

describe.each(installedNixes().filter(({ isMissing }) => !isMissing))('on $title', (nix: RealNix) => {
  let drvPath: DerivationPath;
  let output: string;
  let fixed: DerivationPath;
  let fixedOutput: string;
  let stranger: string;
  const nar = narOf('made by a builder');
  const carriers: ClosureCarrier[] = [];
  let living = 0;

  const query = async (...args: readonly string[]): Promise<string> =>
    (await outputOf({ command: 'nix-store', args, env: nix.env, deadlineMs: 30_000 })).trim();

  beforeAll(async () => {
    const drvs = await instantiate(
      nix,
      `a = build "a" "" {}; fixed = build "fixed" "" { outputHash = builtins.hashString "sha256" "right \${unique}"; outputHashAlgo = "sha256"; outputHashMode = "flat"; }; stranger = build "stranger" "echo > $out" {};`,
    );
    drvPath = drvs['a'] as DerivationPath;
    fixed = drvs['fixed'] as DerivationPath;
    output = await query('-q', '--outputs', drvPath);
    fixedOutput = await query('-q', '--outputs', fixed);
    // Valid here, and none of the derivation's business.
    stranger = await query('--realise', drvs['stranger'] ?? '');
  });
  afterEach(async () => {
    for (const carrier of carriers.splice(0)) {
      carrier.close();
    }
    await until(() => living === 0 && ownServeProcesses() === 0);
  });

  function carrierOf(lies: Lies, maxNarBytes?: number, freeBytes?: number): ClosureCarrier {
    const carrier = createClosureCarrier({
      env: nix.env,
      derivations: createDerivationFacts(),
      stallMs: 600,
      openRemote: () => {
        const end = lyingBuilder(lies);
        living += 1;
        void end.ended.then(() => {
          living -= 1;
        });
        return Promise.resolve(end);
      },
      ...(maxNarBytes === undefined ? {} : { maxNarBytes }),
      ...(freeBytes === undefined ? {} : { freeBytes: () => Promise.resolve(freeBytes) }),
    });
    carriers.push(carrier);
    return carrier;
  }
  const pull = (lies: Lies, maxNarBytes?: number): Promise<unknown> =>
    carrierOf(lies, maxNarBytes).pull({ drvPath, outputs: [output], covered: [output] }, QUIET);
  async function mustBeInvalid(path: string): Promise<void> {
    await expect(query('--check-validity', path)).rejects.toThrow('is not valid');
  }

  const told = (more: Partial<PathInfo>): Lies => ({ nar, infos: [honestInfo(output, nar, more)] });
  const cases: readonly (readonly [string, () => Lies, string | RegExp])[] = [
    [
      'another hash than its bytes have',
      () => told({ narHash: `sha256:${'0'.repeat(64)}` }),
      /hash mismatch/,
    ],
    ['a size that is too small', () => told({ narSize: nar.length - 8 }), /archive|end-of-file|mismatch/],
    ['a size of nothing', () => told({ narSize: 0 }), 'expected a size'],
    ['an absurd size', () => told({ narSize: 2 ** 52 }), 'expected a size of at most'],
    ['a hash that is none', () => told({ narHash: 'md5:00' }), 'expected a sha256 hash'],
    ['a reference to what the build cannot know', () => told({ references: [stranger] }), 'no way to know'],
    ['a reference to what nobody has', () => told({ references: [FAR_AWAY] }), 'no way to know'],
    ['a reference outside the store', () => told({ references: ['/etc/passwd'] }), 'which is no store path'],
    [
      'a reference with a hostile name',
      () => told({ references: [`${FAR_AWAY}/../../../etc/passwd`] }),
      'which is no store path',
    ],
    [
      'bytes that are no archive',
      () => ({ nar: Buffer.alloc(nar.length), infos: [honestInfo(output, Buffer.alloc(nar.length))] }),
      /archive/,
    ],
    [
      'a path that it was not asked for',
      () => ({ nar, infos: [honestInfo(stranger, nar)] }),
      'not asked for',
    ],
    [
      'the same path twice',
      () => ({ nar, infos: [honestInfo(output, nar), honestInfo(output, nar)] }),
      'twice',
    ],
    [
      'a count of 2^63',
      () => ({
        rawInfos: Buffer.concat([
          createWireWriter().string(output).string('').bytes(),
          Buffer.from('0000000000000080', 'hex'),
        ]),
      }),
      'expected a count',
    ],
    [
      'a list without end',
      () => ({
        rawInfos: createWireWriter()
          .string(output)
          .string('')
          .integer(2 ** 40)
          .bytes(),
      }),
      'expected at most',
    ],
    [
      'a name of a gigabyte',
      () => ({
        rawInfos: createWireWriter()
          .integer(2 ** 30)
          .bytes(),
      }),
      'expected at most',
    ],
    ['valid paths that it was not asked for', () => ({ validPaths: [stranger] }), 'not asked for'],
    ['that it lacks what it built', () => ({ infos: [] }), 'does not have'],
  ];
  test.each(cases)('a builder that tells %s is refused, and nothing is stored', async (_, lies, sentence) => {
    const trouble = await troubleOf(pull(lies()));

    expect(trouble.message).toMatch(sentence);
    expect(trouble.code).toMatch(/^closure\.(?:refused|incomplete)$/);

    await mustBeInvalid(output);
  });

  test('an archive without end is taken only so far as its size was told', async () => {
    function* endless(): Generator<Buffer> {
      for (;;) {
        yield Buffer.alloc(65_536);
      }
    }

    await expect(pull({ nar: endless(), infos: [honestInfo(output, nar)] })).rejects.toMatchObject({
      code: 'closure.refused',
    });
    await mustBeInvalid(output);
  });

  test('what there is no room for is not begun, and the sentence says where to make some', async () => {
    const carrier = carrierOf(told({}), undefined, 200 * 1024 * 1024);

    await expect(carrier.pull({ drvPath, outputs: [output], covered: [output] }, QUIET)).rejects.toThrow(
      /has 200 MiB free: make room there/,
    );
    await mustBeInvalid(output);
  });

  test('an archive that is shorter than told is refused', async () => {
    await expect(pull(told({ narSize: nar.length + 8 }))).rejects.toMatchObject({ code: 'closure.refused' });
    await mustBeInvalid(output);
  });

  test('an answer that is cut off, wherever, is a broken connection', async () => {
    const greeting = 16;
    const valid = createWireWriter().strings([output]).bytes().length;
    const whole = greeting + valid + infosAnswer([honestInfo(output, nar)]).length;
    for (let hangUpAfter = 0; hangUpAfter < whole; hangUpAfter += 47) {
      await expect(pull({ ...told({}), hangUpAfter }), `after ${hangUpAfter} bytes`).rejects.toMatchObject({
        code: 'closure.broken',
      });
    }
    await mustBeInvalid(output);
  });

  test('an output that is known by its hash must have that hash, whatever the builder tells', async () => {
    const wrong = narOf('wrong');
    const carrier = carrierOf({ nar: wrong, infos: [honestInfo(fixedOutput, wrong)] });

    const trouble = await troubleOf(
      carrier.pull({ drvPath: fixed, outputs: [fixedOutput], covered: [fixedOutput] }, QUIET),
    );

    expect(trouble).toMatchObject({ code: 'closure.refused' });
    expect(trouble.message).toMatch('hash mismatch');
    await mustBeInvalid(fixedOutput);
  });

  test('an output that the lease does not cover is not even asked for', async () => {
    const carrier = carrierOf({ nar, infos: [honestInfo(stranger, nar)] });

    const trouble = await troubleOf(
      carrier.pull({ drvPath, outputs: [stranger], covered: [output, stranger] }, QUIET),
    );

    expect(trouble).toMatchObject({ code: 'closure.refused' });
    expect(trouble.message).toMatch('covers');
  });

  test('a builder that does not confirm what it was given has not got it', async () => {
    const carrier = carrierOf({ validPaths: [], addAnswer: 0 });

    const trouble = await troubleOf(carrier.push({ drvPaths: [drvPath] }, QUIET));

    expect(trouble).toMatchObject({ code: 'closure.refused' });
    expect(trouble.message).toMatch('expected it to tell that it has');
  });

  test('of what it tells, neither signatures, nor deriver, nor content address are kept', async () => {
    await pull(
      told({ signatures: ['builder:AAAA'], deriver: FAR_AWAY, ca: `fixed:r:sha256:${'0'.repeat(52)}` }),
    );

    const said = JSON.parse(
      await outputOf({
        command: 'nix',
        args: ['path-info', '--json', output],
        env: nix.env,
        deadlineMs: 9_000,
      }),
    ) as object;
    // A list in 2.8, a map later.
    const [info = {}] = Object.values(said) as {
      deriver?: string;
      signatures?: [];
      ca?: string;
      ultimate?: boolean;
    }[];
    expect(info).toMatchObject({ deriver: drvPath });
    expect([info.signatures ?? [], info.ca ?? '', info.ultimate ?? false]).toEqual([[], '', false]);
  });
});
