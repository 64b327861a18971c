import type { EvaluationRequest } from '../../ports/evaluator.ts';
import type { EvaluationSpace } from './evaluation-space.ts';

/** What every Nix of an evaluation is told. Never accept-flake-config. */
export function nixSettings(
  request: EvaluationRequest,
  space: EvaluationSpace,
): readonly (readonly [name: string, value: string])[] {
  return [
    ['extra-experimental-features', 'nix-command flakes'],
    ['accept-flake-config', 'false'],
    ['allow-import-from-derivation', String(mayImport(request, space))],
    ['eval-cache', 'false'],
    // A git fetch that failed would not be tried again for an hour (seen on 2.26); what is locked is never stale.
    ['tarball-ttl', '0'],
    // Nix's own 5 take half a minute, and walks try again themselves; with no network it is waiting for nothing.
    ['download-attempts', request.allowNetwork ? '2' : '1'],
  ];
}

export function nixArguments(request: EvaluationRequest, space: EvaluationSpace): readonly string[] {
  return [
    ...['--log-format', 'raw'],
    ...nixSettings(request, space).flatMap(([name, value]) => ['--option', name, value]),
  ];
}

function mayImport(request: EvaluationRequest, space: EvaluationSpace): boolean {
  return request.allowImportFromDerivation && space.importRefusal === undefined;
}
