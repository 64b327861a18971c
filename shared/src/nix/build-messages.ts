/**
 * What an error of Nix says about which derivation. Exit codes do not tell: a builder that was killed and one that
 * failed both give 100, one that made no output gives 1, and through the daemon everything is 1.
 * The patterns hold for 2.8 to 2.34; the part of a message that quotes the builder's log is never looked at.
 */
import { plainText } from '../domain/plain-text.ts';
import { type DerivationPath, parseDerivationPath } from '../domain/store-path.ts';

export type FactKind =
  | 'failed'
  /** By a signal that the out-of-memory killer or a shutdown sends, or for want of disk space. */
  | 'starved'
  | 'too_long'
  | 'too_silent'
  /** It printed more than is allowed. */
  | 'too_talkative'
  | 'dependency'
  | 'unsupported';

export interface BuildFact {
  readonly kind: FactKind;
  readonly drvPath: DerivationPath;
  readonly reason: string;
  /** Of the build script, when its exit is the failure; null for a signal, a wrong hash, a missing output. */
  readonly exitCode: number | null;
}

const DRV = String.raw`(?<drv>/nix/store/[^\s'"!^]+\.drv)`;
// 2.8 and 2.26, then newer ones.
const BUILDING = String.raw`building (?:of|derivation) '${DRV}`;

const PATTERNS: readonly (readonly [pattern: RegExp, kind: FactKind])[] = [
  [new RegExp(String.raw`${BUILDING}.*timed out after .* of silence`, 's'), 'too_silent'],
  [new RegExp(String.raw`${BUILDING}.*timed out after`, 's'), 'too_long'],
  [new RegExp(String.raw`${BUILDING}.*killed after writing more than`, 's'), 'too_talkative'],
  [new RegExp(String.raw`^\d+ dependenc(?:y|ies) of derivation '${DRV}' failed`), 'dependency'],
  [new RegExp(String.raw`^Cannot build '${DRV}'\.\s+Reason: \d+ dependenc(?:y|ies) failed`), 'dependency'],
  [new RegExp(String.raw`is required to build '${DRV}', but I am a`), 'unsupported'],
  [
    new RegExp(
      String.raw`^Cannot build '${DRV}'\.\s+Reason: (?:required system or feature|platform mismatch|missing system features)`,
    ),
    'unsupported',
  ],
  [new RegExp(String.raw`^Cannot build '${DRV}'\.\s+Reason: .*timed out after .* of silence`), 'too_silent'],
  [new RegExp(String.raw`^Cannot build '${DRV}'\.\s+Reason: .*timed out`), 'too_long'],
  [new RegExp(String.raw`builder for '${DRV}' failed due to signal (?:9|15)\b`), 'starved'],
  [
    new RegExp(String.raw`^Cannot build '${DRV}'\.\s+Reason: builder failed due to signal (?:9|15)\b`),
    'starved',
  ],
  [new RegExp(String.raw`builder for '${DRV}' failed with exit code (?<code>\d+)`), 'failed'],
  [new RegExp(String.raw`builder for '${DRV}' failed`), 'failed'],
  [
    new RegExp(String.raw`^Cannot build '${DRV}'\.\s+Reason: builder failed with exit code (?<code>\d+)`),
    'failed',
  ],
  [new RegExp(String.raw`^Cannot build '${DRV}'\.`), 'failed'],
  [new RegExp(String.raw`hash mismatch in fixed-output derivation '${DRV}'`), 'failed'],
  [new RegExp(String.raw`derivation '${DRV}' may not be deterministic`), 'failed'],
  [new RegExp(String.raw`^${DRV} killed after writing more than`), 'too_talkative'],
];

const STARVED = /lack of free disk space|No space left on device|Cannot allocate memory/;

/** Undefined for an error that does not name the derivation it is about. */
export function parseBuildFact(error: string): BuildFact | undefined {
  const reason = cleanReason(error);
  for (const [pattern, kind] of PATTERNS) {
    const found = pattern.exec(reason)?.groups;
    const drvPath = parseDerivationPath(found?.['drv'] ?? '');
    if (drvPath !== undefined) {
      const isStarved = kind === 'failed' && STARVED.test(reason);
      const code = found?.['code'];
      return {
        kind: isStarved ? 'starved' : kind,
        drvPath,
        reason,
        exitCode: code === undefined || isStarved ? null : Number(code),
      };
    }
  }
  return undefined;
}

/** 2.34 names neither the derivation that took too long nor which of the two limits it was: only how long that was. */
export function parseNamelessTimeout(error: string): { readonly seconds: number } | undefined {
  const seconds = /^timed out after (\d+) seconds$/.exec(cleanReason(error))?.[1];
  return seconds === undefined ? undefined : { seconds: Number(seconds) };
}

/** Errors about what the builder made that name its output but not its derivation. */
export function isAboutOutput(error: string): boolean {
  return /is not allowed to (?:refer|have)|contains an illegal reference|illegal path references|cycle detected in|suspicious ownership or permission|output check/.test(
    cleanReason(error),
  );
}

/** A path could not be had from where it was to come from, and could not be made here either. */
export function isAboutSubstitution(error: string): boolean {
  return /no substituter that can build it|some substitutes for the outputs of derivation|unable to download|cannot (?:download|substitute)|does not exist in binary cache|hash mismatch importing path|lacks a (?:valid )?signature|not signed by any of the keys|don't know how to build these paths/.test(
    cleanReason(error),
  );
}

/** Nix's sentence without its colours, its `error:`, its indentation and the log it quotes. */
export function cleanReason(error: string): string {
  const text = plainText(error)
    .replace(/^\s*error:\s+/, '')
    .replace(/(?:;|(?<!\s))\s*last \d+ log lines:[\s\S]*/i, '')
    .replace(/(?<!\s)\s*For full logs, run[\s\S]*/, '');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
    .slice(0, 4_000);
}
