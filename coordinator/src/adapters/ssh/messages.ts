/**
 * What the three processes of the SSH side say to each other. The coordinator decides; the gate has the port and the
 * control connections, and judges who is alive; the courier, a child of the gate, has the bulk connections. All three
 * are of one build and one life, so these are types and no wire format.
 */

import type { LeaseId } from '@argunix/shared/domain/ids';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import type { AgentMessage } from '@argunix/shared/protocol/agent-message';
import type { HostStats } from '@argunix/shared/protocol/capabilities';
import type { ChannelUse, CoordinatorMessageInput } from '@argunix/shared/protocol/coordinator-message';
import type { Hello, Refusal } from '@argunix/shared/protocol/hello';
import type { WireLogLine } from '@argunix/shared/protocol/log-stream';

/** `later`: it could not be judged; whoever it is is hung up on and comes again, where a refusal would be for good. */
export type LoginVerdict = 'known' | 'needs_token' | 'token_good' | 'token_bad' | 'later';

export interface GateSettings {
  readonly host: string;
  readonly port: number;
  /** In OpenSSH's format. It goes by message: argv and environment can be read by others. */
  readonly hostKey: string;
  readonly heartbeatMs: number;
  /** Of the courier: no byte for so long ends a transfer. */
  readonly stallMs: number;
}

export interface BuilderBeat {
  readonly stats: HostStats | null;
  readonly roundTripMs: number | null;
}

export type ToGate =
  | { readonly kind: 'start'; readonly settings: GateSettings }
  | { readonly kind: 'login'; readonly id: number; readonly verdict: LoginVerdict }
  | { readonly kind: 'admitted'; readonly id: number; readonly name: string }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal }
  | { readonly kind: 'send'; readonly builder: string; readonly message: CoordinatorMessageInput }
  | { readonly kind: 'hang_up'; readonly builder: string; readonly refusal: Refusal }
  | { readonly kind: 'renamed'; readonly from: string; readonly to: string }
  | { readonly kind: 'courier'; readonly message: ToCourier };

export type FromGate =
  | { readonly kind: 'listening'; readonly address: string }
  | { readonly kind: 'deaf'; readonly code: string; readonly message: string }
  | {
      readonly kind: 'login';
      readonly id: number;
      readonly publicKey: string;
      readonly token: string | null;
    }
  | {
      readonly kind: 'hello';
      readonly id: number;
      readonly publicKey: string;
      readonly token: string | null;
      readonly hello: Hello;
    }
  | { readonly kind: 'up'; readonly builder: string; readonly hello: Hello; readonly isResumed: boolean }
  | { readonly kind: 'message'; readonly builder: string; readonly message: AgentMessage }
  /** Those of whom heartbeats came lately. */
  | { readonly kind: 'beats'; readonly beats: ReadonlyMap<string, BuilderBeat> }
  | { readonly kind: 'down'; readonly builder: string; readonly reason: string }
  | { readonly kind: 'turned_away'; readonly from: string; readonly reason: string }
  | { readonly kind: 'courier'; readonly message: FromCourier };

/** Of lines on their way between processes: their texts, and what each costs beside. */
export function weightOf(lines: readonly WireLogLine[]): number {
  return lines.reduce((sum, { text }) => sum + text.length + LINE_WEIGHT, 0);
}

const LINE_WEIGHT = 100;

/** Between coordinator and courier, by way of the gate. `id`s are the coordinator's. */
export type ToCourier =
  | {
      readonly kind: 'push';
      readonly id: number;
      readonly builder: string;
      readonly drvPaths: readonly DerivationPath[];
      /** Whether the builder has caches to ask. */
      readonly maySubstitute: boolean;
    }
  | {
      readonly kind: 'pull';
      readonly id: number;
      readonly builder: string;
      readonly drvPath: DerivationPath;
      readonly outputs: readonly string[];
      /** What its push said that it covers; null for a build from before this program began. */
      readonly covered: readonly string[] | null;
    }
  /** Ends a push or a pull, or lets go of what it holds when it has ended. */
  | { readonly kind: 'release'; readonly id: number }
  | {
      readonly kind: 'log';
      readonly id: number;
      readonly builder: string;
      readonly lease: LeaseId;
      readonly from: number;
    }
  /** So much of a log was taken in, as `weightOf` weighs it: as much more may come. */
  | { readonly kind: 'log_taken'; readonly id: number; readonly weight: number };

export type FromCourier =
  | {
      readonly kind: 'progress';
      readonly id: number;
      readonly step: 'waiting' | 'asking' | 'substituting' | 'sending';
      readonly pathsDone: number;
      readonly pathsTotal: number;
      readonly bytesDone: number;
      readonly bytesTotal: number;
    }
  | {
      readonly kind: 'pushed';
      readonly id: number;
      /** Inputs that were sent or were there: to be rooted. */
      readonly inputs: readonly string[];
      /** What the builder may give back for these derivations. */
      readonly covered: readonly string[];
      readonly bytes: number;
    }
  | { readonly kind: 'pulled'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'log_lines'; readonly id: number; readonly lines: readonly WireLogLine[] }
  /** `total`: how many lines there are; null when it was cut off. */
  | { readonly kind: 'log_end'; readonly id: number; readonly total: number | null }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string; readonly reason: string };

/** Between gate and courier. */
export type GateToCourier =
  | { readonly kind: 'start'; readonly settings: GateSettings }
  /** Its bulk connections come with this key from now on; null: no more. */
  | {
      readonly kind: 'key';
      readonly builder: string;
      readonly publicKey: string | null;
      readonly roundTripMs: number | null;
    }
  /** A connection, with what was read of it already, in base64. */
  | { readonly kind: 'socket'; readonly read: string }
  | {
      readonly kind: 'substituting';
      /** Who says it: each speaks only of what it was asked. */
      readonly builder: string;
      readonly id: number;
      readonly bytesDone: number;
      readonly bytesTotal: number;
    }
  | { readonly kind: 'substituted'; readonly builder: string; readonly id: number }
  | {
      readonly kind: 'unopened';
      readonly builder: string;
      readonly channel: string;
      readonly reason: string;
    }
  /** What the builder served on a channel ended: the last that it said. */
  | {
      readonly kind: 'broken';
      readonly builder: string;
      readonly channel: string;
      readonly reason: string;
    }
  | { readonly kind: 'for_courier'; readonly message: ToCourier };

export type CourierToGate =
  | {
      readonly kind: 'open';
      readonly builder: string;
      readonly channel: string;
      readonly use: ChannelUse;
      /** On another connection than the one there is. */
      readonly isAnew: boolean;
    }
  | {
      readonly kind: 'substitute';
      readonly builder: string;
      readonly id: number;
      readonly paths: readonly string[];
    }
  | { readonly kind: 'stop_substituting'; readonly builder: string; readonly id: number }
  /** Bytes came over the bulk connections of these. */
  | { readonly kind: 'heard'; readonly builders: readonly string[] }
  | { readonly kind: 'turned_away'; readonly from: string; readonly reason: string }
  | { readonly kind: 'from_courier'; readonly message: FromCourier };
