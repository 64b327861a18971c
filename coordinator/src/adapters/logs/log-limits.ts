/** The bounds of the logs, together: what they cost on disk and in memory follows from these alone. */
export interface LogLimits {
  /** Of text per log, from its start. */
  readonly maxBytes: number;
  /** Of text per log from its end, kept where it is longer. In memory until the log is closed. */
  readonly tailBytes: number;
  /** A frame is written when so much text has come … */
  readonly frameBytes: number;
  /** … or so long after its first line. */
  readonly frameMs: number;
  /** Of text per log that waits for the disk; what comes then is left out. */
  readonly queueBytes: number;
  /** How long a disk that refused is left alone. */
  readonly retryMs: number;
  /** Live lines are handed on in chunks, so long after the first of them. */
  readonly chunkMs: number;
  readonly chunkBytes: number;
  /** What a reader that comes late is given. */
  readonly recentLines: number;
  /** Of text per followed log: how far a reader may fall behind. */
  readonly ringBytes: number;
  /** Of text in the rings of all logs: they shrink when many are live. */
  readonly allRingsBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const USUAL_LOG_LIMITS: LogLimits = {
  maxBytes: 100 * MIB,
  tailBytes: MIB,
  frameBytes: 256 * KIB,
  frameMs: 250,
  queueBytes: 8 * MIB,
  retryMs: 5_000,
  chunkMs: 100,
  chunkBytes: 128 * KIB,
  recentLines: 2_000,
  // A line costs about three times its text in a ring: beside it, the bytes it is sent as.
  ringBytes: 8 * MIB,
  allRingsBytes: 32 * MIB,
};
