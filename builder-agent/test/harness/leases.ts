/** What tests ask of an agent in the way of builds, and what they read from it. */

import { toLeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { ChannelUse, CoordinatorMessageInput } from '@argunix/shared/protocol/coordinator-message';
import { parseLogLine } from '@argunix/shared/protocol/log-stream';
import type { ServerChannel } from 'ssh2';

type Build = Extract<CoordinatorMessageInput, { type: 'build' }>;

export function build(
  leases: Readonly<Record<number, DerivationPath | undefined>>,
  more: Partial<Build> = {},
): Build {
  return {
    type: 'build',
    batch: 1,
    slots: 2,
    timeout_ms: 60_000,
    max_silent_ms: 60_000,
    max_log_bytes: 100_000_000,
    requests: Object.entries(leases).map(([lease, drvPath]) => ({
      lease: Number(lease),
      drv_path: drvPath ?? '',
      outputs: [],
    })),
    inputs: [],
    ...more,
  };
}

export function logOf(lease: number, from = 0): ChannelUse {
  return { kind: 'log', lease: toLeaseId(lease), from };
}

/** All that comes, as log-stream.ts reads it. */
export async function logLines(channel: ServerChannel): Promise<readonly unknown[]> {
  const pieces: Buffer[] = [];
  for await (const piece of channel) {
    pieces.push(piece as Buffer);
  }
  const text = Buffer.concat(pieces).toString('utf8');
  return text === '' ? [] : text.trimEnd().split('\n').map(parseLogLine);
}

export function texts(lines: readonly unknown[]): readonly string[] {
  return lines.flatMap((line) =>
    typeof line === 'object' && line !== null && 'text' in line ? [String(line.text)] : [],
  );
}
