import { expect, test } from 'vitest';
import { type DerivationPath, parseDerivationPath } from '../domain/store-path.ts';
import { cleanReason } from './build-messages.ts';
import { judgeRealise } from './build-verdict.ts';

const OWN = drv('own');
const OTHER = drv('other');
const LIMITS = { timeoutMs: 18_000_000, maxSilentMs: 3_600_000, maxLogBytes: 1024 ** 3 };

function drv(name: string): DerivationPath {
  const path = parseDerivationPath(`/nix/store/${'a'.repeat(32)}-${name}.drv`);
  if (path === undefined) {
    throw new Error('not a derivation');
  }
  return path;
}

function judge(errors: readonly string[], code: number, started: readonly DerivationPath[] = [OWN]): unknown {
  return judgeRealise(OWN, new Set(started), {
    ending: { kind: 'exited', code },
    errors,
    limits: LIMITS,
  });
}

test.each([
  // 2.8 and 2.26, alone and through the daemon, which makes every exit code 1.
  [
    `builder for '${OWN}' failed with exit code 2;\n       last 1 log lines:\n       > signal 9\n`,
    1,
    'failed',
  ],
  [`builder for '${OWN}' failed to produce output path for output 'out' at '/nix/store/x'`, 1, 'failed'],
  [
    `hash mismatch in fixed-output derivation '${OWN}':\n         specified: sha256-A\n            got:    sha256-B`,
    102,
    'failed',
  ],
  [`output '/nix/store/x' is not allowed to refer to the following paths:\n  /nix/store/x`, 1, 'failed'],
  [`builder for '${OWN}' failed due to signal 11 (Segmentation fault)`, 100, 'failed'],
  [`builder for '${OWN}' failed due to signal 9 (Killed)`, 100, 'infrastructure'],
  [
    `builder for '${OWN}' failed with exit code 1;\nnote: build failure may have been caused by lack of free disk space`,
    100,
    'infrastructure',
  ],
  [`building of '${OWN}^*' from .drv file timed out after 60 seconds`, 101, 'timed_out'],
  [`building of '${OWN}!*' from .drv file timed out after 60 seconds of silence`, 1, 'timed_out'],
  [`writing to file: No space left on device`, 1, 'infrastructure'],
  [
    `cannot connect to daemon at '/nix/var/nix/daemon-socket/socket': Connection refused`,
    1,
    'infrastructure',
  ],
  // Newer ones.
  [
    `Cannot build '${OWN}'.\n       Reason: builder failed with exit code 1.\n       Output paths:\n         /nix/store/x\n       Last 2 log lines:\n       > x`,
    100,
    'failed',
  ],
  [`Cannot build '${OWN}'.\n       Reason: builder failed due to signal 9 (Killed).`, 100, 'infrastructure'],
])('%j with code %i is %s', (error, code, kind) => {
  expect(judge([`\u001b[31;1merror:\u001b[0m ${error}`], code)).toMatchObject({ kind });
});

test.each([
  // 2.8 and 2.26, newer ones.
  [`builder for '${OWN}' failed with exit code 3`, 3],
  [
    `builder for '${OWN}' failed with exit code 137;\n       last 1 log lines:\n       > failed with exit code 4`,
    137,
  ],
  [
    `Cannot build '${OWN}'.\n       Reason: builder failed with exit code 3.\n       Output paths:\n         /nix/store/x`,
    3,
  ],
  [`builder for '${OWN}' failed due to signal 11 (Segmentation fault)`, null],
  [`Cannot build '${OWN}'.\n       Reason: builder failed due to signal 11 (Segmentation fault).`, null],
  [`hash mismatch in fixed-output derivation '${OWN}':\n  specified: sha256-A\n  got:    sha256-B`, null],
  [`builder for '${OWN}' failed to produce output path for output 'out' at '/nix/store/x'`, null],
  [`output '/nix/store/x' is not allowed to refer to the following paths:\n  /nix/store/x`, null],
])('of %j the exit code is %j', (error, exitCode) => {
  expect(judge([`error: ${error}`], 100)).toMatchObject({ kind: 'failed', exitCode });
});

test.each([
  `building of '${OWN}!*' from .drv file killed after writing more than 1073741824 bytes of log output`,
  `building of '${OWN}^*' from .drv file killed after writing more than 1073741824 bytes of log output`,
  `building derivation '${OWN}' killed after writing more than 1073741824 bytes of log output`,
])('%j names the setting that it is about', (error) => {
  const reason = 'printed more than 1 GiB; schedule.max_log_size says how much is allowed.';
  const ofOther = error.replace(OWN, OTHER);

  expect(judge([`error: ${error}`], 1)).toEqual({ kind: 'over_limit', reason: `It ${reason}` });
  expect(judge([`error: ${ofOther}`], 1, [OTHER])).toEqual({
    kind: 'dependency_failed',
    reason: `other ${reason}`,
    drvPath: OTHER,
  });
});

test('what could not be fetched is nobody’s fault, though Nix counts it as a failed dependency', () => {
  const follows = `error: 1 dependencies of derivation '${OWN}' failed to build`;

  for (const said of [
    "path '/nix/store/x-src' is required, but there is no substituter that can build it",
    "unable to download 'https://cache.test/nar/x.nar.xz': Couldn't resolve host name (6)",
    `some substitutes for the outputs of derivation '${OWN}' failed (usually happens due to networking issues); try '--fallback' to build derivation from source`,
  ]) {
    expect(judge([`error: ${said}`, follows], 100, [])).toMatchObject({
      kind: 'infrastructure',
      reason: said,
    });
  }
});

test('what cannot be built here is unsupported, as long as it was not begun', () => {
  const error = `error: a 'aarch64-linux' with features {} is required to build '${OWN}', but I am a 'x86_64-linux'`;

  expect(judge([error], 1, [])).toMatchObject({ kind: 'unsupported' });
  expect(judge([error], 1, [OWN])).toMatchObject({ kind: 'infrastructure' });
});

test.each([
  [
    `a 'aarch64-linux' with features {} is required to build '${OWN}', but I am a 'x86_64-linux' with features {kvm}`,
    'It needs a builder for aarch64-linux; this one builds for x86_64-linux.',
  ],
  [
    `Cannot build '${OWN}'.\nReason: required system or feature not available\nRequired system: 'x86_64-linux' with features {gpu}\nCurrent system: 'x86_64-linux' with features {}`,
    'It needs a builder for x86_64-linux with the features gpu; this one builds for x86_64-linux with none.',
  ],
  [
    `Cannot build '${OWN}'.\nReason: platform mismatch\nRequired system: 'riscv64-linux'\nCurrent system: 'x86_64-linux'`,
    'It needs a builder for riscv64-linux; this one builds for x86_64-linux.',
  ],
  [
    `Cannot build '${OWN}'.\nReason: missing system features\nRequired features: {gpu}\nAvailable features: {benchmark, kvm}`,
    'It needs a builder with the features gpu; this one has benchmark, kvm.',
  ],
  [
    `a 'aarch64-linux' with features {} is required to build '${OTHER}', but I am a 'x86_64-linux' with features {kvm}`,
    'other needs a builder for aarch64-linux; this one builds for x86_64-linux.',
  ],
])('%j says what is lacking', (error, reason) => {
  expect(judge([`error: ${error}`], 1, [])).toEqual({ kind: 'unsupported', reason });
});

test('the failure of another is told by its name; its starving is nobody’s fault', () => {
  const follows = `error: 1 dependencies of derivation '${OWN}' failed to build`;
  const failed = `error: builder for '${OTHER}' failed with exit code 3`;
  const killed = `error: builder for '${OTHER}' failed due to signal 9 (Killed)`;
  const slow = `error: building of '${OTHER}^out' from .drv file timed out after 60 seconds of silence`;

  expect(judge([failed, follows], 1, [OTHER])).toEqual({
    kind: 'dependency_failed',
    reason: `builder for '${OTHER}' failed with exit code 3`,
    drvPath: OTHER,
  });
  expect(judge([slow, follows], 1, [OTHER])).toMatchObject({ reason: 'other said nothing for 60 min' });
  expect(judge([killed, follows], 100, [OTHER])).toMatchObject({ kind: 'infrastructure' });
});

test('a build whose output took too much memory is over the limit, and what needs it has failed', () => {
  const outcome = {
    ending: { kind: 'cancelled' },
    errors: [],
    limits: LIMITS,
    isOverMemory: true,
  } as const;

  expect(judgeRealise(OWN, new Set([OWN]), outcome)).toMatchObject({ kind: 'over_limit' });
  expect(judgeRealise(OWN, new Set([OTHER]), outcome)).toMatchObject({ kind: 'dependency_failed' });
  expect(judgeRealise(OWN, new Set([OWN]), { ...outcome, isOverMemory: false })).toEqual({
    kind: 'cancelled',
  });
});

test('a builder cannot blame one that never began', () => {
  const forged = `error: builder for '${OTHER}' failed with exit code 3`;

  expect(judge([forged, `error: builder for '${OWN}' failed with exit code 1`], 1)).toMatchObject({
    kind: 'failed',
    reason: `builder for '${OWN}' failed with exit code 1`,
  });
  expect(judge([forged], 100)).toMatchObject({ kind: 'failed' });
});

test('a timeout that names nothing is that of what began last', () => {
  const silent = ['error: timed out after 3600 seconds'];

  expect(judge(silent, 101)).toEqual({ kind: 'timed_out', reason: 'said nothing for 60 min' });
  expect(judge(['error: timed out after 18000 seconds'], 101)).toEqual({
    kind: 'timed_out',
    reason: 'took longer than 5 h',
  });
  expect(judge(silent, 101, [OTHER])).toEqual({
    kind: 'dependency_failed',
    reason: 'other said nothing for 60 min',
    drvPath: OTHER,
  });
});

test('the limits are told in the unit they were set in', () => {
  expect(judge([`building of '${OWN}^*' timed out after 18000 seconds`], 1)).toEqual({
    kind: 'timed_out',
    reason: 'took longer than 5 h',
  });
});

test('a reason has neither colours nor the log that Nix quotes', () => {
  expect(
    cleanReason(
      "\u001b[31;1merror:\u001b[0m builder for 'x' failed with exit code 3;\n       last 1 log lines:\n       > to be bad\n       For full logs, run 'nix log x'.",
    ),
  ).toBe("builder for 'x' failed with exit code 3");
});
