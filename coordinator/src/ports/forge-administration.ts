import type { EpochMs } from '@argunix/shared/domain/epoch-ms';
import type { ForgeKind } from '@argunix/shared/domain/forge-kind';
import type { CommandVerdict } from './commands.ts';

/** How a forge of the configuration is now. */
export interface ForgeState {
  readonly name: string;
  readonly kind: ForgeKind;
  /** Null for one of kind git, which is no place. */
  readonly webUrl: string | null;
  /** Null while it takes our credential. `reason` is for operators: it may name a repository. */
  readonly pause: {
    readonly since: EpochMs;
    readonly reason: string;
    readonly nextProbeAt: EpochMs;
  } | null;
  /** Checks that it is still to be told. */
  readonly checksWaiting: number;
  readonly oldestCheckAt: EpochMs | null;
  readonly requests: ForgeRequests;
}

/** Since the start. */
export interface ForgeRequests {
  readonly sent: number;
  /** Answered with 4xx. */
  readonly refused: number;
  /** Answered with 5xx, or not at all. */
  readonly failed: number;
}

export interface ForgeAdministration {
  all(): readonly ForgeState[];
  /** Tries its credential now, whether it is paused or not; refused with the sentence why it does not work. */
  resume(name: string): Promise<CommandVerdict<{ readonly message: string }>>;
}
