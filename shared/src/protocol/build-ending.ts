/** How a build ended, on the wire. */
import { z } from 'zod';
import type { BuildEnding } from '../domain/build-ending.ts';
import { WireDerivation } from './paths.ts';

// Nix's own sentence, with the last lines of the log in it.
const MAX_REASON = 20_000;
const reason = z.string().transform((text) => text.slice(0, MAX_REASON));

export const WireEnding = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['built', 'substituted', 'cancelled', 'returned']) }),
  z.object({ kind: z.literal('failed'), reason, exit_code: z.int().nullable() }),
  z.object({ kind: z.literal('dependency_failed'), reason, drv_path: WireDerivation.nullable() }),
  z.object({ kind: z.enum(['timed_out', 'over_limit', 'unsupported', 'infrastructure']), reason }),
]);
export type WireEnding = z.input<typeof WireEnding>;

export function toEnding(wire: z.output<typeof WireEnding>): BuildEnding {
  if (wire.kind === 'failed') {
    return { kind: 'failed', reason: wire.reason, exitCode: wire.exit_code };
  }
  if (wire.kind === 'dependency_failed') {
    return { kind: 'dependency_failed', reason: wire.reason, drvPath: wire.drv_path };
  }
  return wire;
}

export function fromEnding(ending: BuildEnding): WireEnding {
  if (ending.kind === 'failed') {
    return { kind: 'failed', reason: ending.reason.slice(0, MAX_REASON), exit_code: ending.exitCode };
  }
  if (ending.kind === 'dependency_failed') {
    const { kind, reason: why, drvPath } = ending;
    return { kind, reason: why.slice(0, MAX_REASON), drv_path: drvPath };
  }
  return 'reason' in ending ? { ...ending, reason: ending.reason.slice(0, MAX_REASON) } : ending;
}
