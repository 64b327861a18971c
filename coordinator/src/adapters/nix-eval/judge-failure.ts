/** Whose fault an error is: the flake's, or that of this host, its Nix daemon or its network, where trying again may help. */
import type { EvaluationEnding, EvaluationRequest } from '../../ports/evaluator.ts';
import type { EvaluationSpace } from './evaluation-space.ts';

// What Nix, git, bubblewrap and we say; a flake that says the same only has itself tried again, as often as any.
const OF_THE_HOST =
  /cannot connect to (?:socket|daemon)|daemon disconnected|opening a connection to remote store|No space left on device|Cannot allocate memory|database disk image|^bwrap: |^Nix was killed by SIG(?:HUP|INT|TERM)$|Resource temporarily unavailable/m;
const OF_THE_NETWORK =
  /Could ?n[o']t resolve host|Could ?n[o']t connect to server|Failed to connect to|Connection (?:timed out|refused|reset)|Network is unreachable|Timeout was reached|HTTP error 5\d\d/;

export function isHostTrouble(message: string): boolean {
  return OF_THE_HOST.test(message);
}

/** May pass by itself; where the network is off it does not. */
export function isNetworkTrouble(message: string, { allowNetwork }: EvaluationRequest): boolean {
  return allowNetwork && OF_THE_NETWORK.test(message);
}

/** As it is told, with what a person has to know of this host to understand it. */
export function explained(
  message: string,
  { allowNetwork }: EvaluationRequest,
  { importRefusal }: Pick<EvaluationSpace, 'importRefusal'>,
): string {
  if (importRefusal !== undefined && message.includes('allow-import-from-derivation')) {
    return `${message}\n${importRefusal}`;
  }
  if (!OF_THE_NETWORK.test(message)) {
    return message;
  }
  return allowNetwork
    ? `${message}\nIt was tried more than once; restart the evaluation when it can be reached.`
    : `${message}\nThe network is off for evaluations (eval.allow_network).`;
}

/** An error that is about the whole flake, or the host. */
export function judgeFailure(
  message: string,
  request: EvaluationRequest,
  space: Pick<EvaluationSpace, 'importRefusal'>,
): EvaluationEnding {
  if (isHostTrouble(message) || isNetworkTrouble(message, request)) {
    return { kind: 'infrastructure', reason: message };
  }
  return {
    kind: 'failed',
    reason: message === '' ? 'Nix ended without saying why.' : explained(message, request, space),
  };
}
