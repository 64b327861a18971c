/** The git repository that stands for a forge in the demo, and the pushes to it. */
export interface SourceRepository {
  /** Where the coordinator fetches from. */
  readonly url: string;
  /** The sha that is now the head of main; the same as before when there is nothing new. */
  push(signal: AbortSignal): Promise<string>;
  /** Shell lines that push another commit. */
  readonly howToPush: readonly string[];
  /** Anything about the source a person should know. */
  readonly note: string | undefined;
}
