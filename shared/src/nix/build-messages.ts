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
  | 'dependency'
  | 'unsupported';

export interface BuildFact {
  readonly kind: FactKind;
  readonly drvPath: DerivationPath;
  readonly reason: string;
}

const DRV = String.raw`(?<drv>/nix/store/[^\s'"!^]+\.drv)`;

const PATTERNS: readonly (readonly [pattern: RegExp, kind: FactKind])[] = [
  [new RegExp(String.raw`building of '${DRV}.*timed out after .* of silence`, 's'), 'too_silent'],
  [new RegExp(String.raw`building of '${DRV}.*timed out after`, 's'), 'too_long'],
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
  [new RegExp(String.raw`builder for '${DRV}' failed`), 'failed'],
  [new RegExp(String.raw`^Cannot build '${DRV}'\.`), 'failed'],
  [new RegExp(String.raw`hash mismatch in fixed-output derivation '${DRV}'`), 'failed'],
  [new RegExp(String.raw`derivation '${DRV}' may not be deterministic`), 'failed'],
  [new RegExp(String.raw`^${DRV} killed after writing more than`), 'failed'],
];

const STARVED = /lack of free disk space|No space left on device|Cannot allocate memory/;

/** Undefined for an error that does not name the derivation it is about. */
export function parseBuildFact(error: string): BuildFact | undefined {
  const reason = cleanReason(error);
  for (const [pattern, kind] of PATTERNS) {
    const drvPath = parseDerivationPath(pattern.exec(reason)?.groups?.['drv'] ?? '');
    if (drvPath !== undefined) {
      return { kind: kind === 'failed' && STARVED.test(reason) ? 'starved' : kind, drvPath, reason };
    }
  }
  return undefined;
}

/** Errors about what the builder made that name its output but not its derivation. */
export function isAboutOutput(error: string): boolean {
  return /is not allowed to (?:refer|have)|contains an illegal reference|illegal path references|cycle detected in|more than \d+ bytes of log|suspicious ownership or permission|output check/.test(
    cleanReason(error),
  );
}

/** Nix's sentence without its colours, its `error:`, its indentation and the log it quotes. */
export function cleanReason(error: string): string {
  const text = plainText(error)
    .replace(/^\s*error:\s+/, '')
    .replace(/;?\s*last \d+ log lines:[\s\S]*/i, '')
    .replace(/\s*For full logs, run[\s\S]*/, '');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
    .slice(0, 4_000);
}
