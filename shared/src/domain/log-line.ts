/** One line that a build wrote, with what wrote it. */
export interface LogLine {
  /** Milliseconds since the log was opened. */
  readonly atMs: number;
  /** Name of the derivation (no hash, no `.drv`); empty for a line of Nix itself or of argunix. */
  readonly derivation: string;
  /** The stdenv phase that was running, empty when none was told. */
  readonly phase: string;
  readonly text: string;
}
