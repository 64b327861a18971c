/** Between a process and its launcher. */
import type { ProgramLine } from '@argunix/shared/kit/start-program';

export interface LaunchOrder {
  /** Secret: who names it on the socket is one of the program's streams. */
  readonly id: string;
  readonly socketPath: string;
  readonly line: ProgramLine;
}

export type LaunchNews =
  | { readonly kind: 'started'; readonly id: string; readonly pid: number }
  | { readonly kind: 'unstartable'; readonly id: string; readonly message: string }
  | {
      readonly kind: 'exited';
      readonly id: string;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    };

/** What a stream says first: of which program it is, and which of its three. */
export const ID_BYTES = 32;
export const GREETING_BYTES = ID_BYTES + 1;
export const STREAMS = [0, 1, 2] as const;
