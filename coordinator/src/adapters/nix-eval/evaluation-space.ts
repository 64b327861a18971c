/** Where the programs of one evaluation run: confined, or as the person who asked for it. */
import type { FetchedRepository } from '../../ports/evaluator.ts';

export interface SpaceCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface SpaceNeeds {
  readonly cacheKey: string;
  /** Directories of the source; nothing else of the host's files beside the store and the system's programs. */
  readonly visible: readonly string[];
  /** Visible too, and what git gets when it asks for one of their URLs. */
  readonly inputs: readonly FetchedRepository[];
  readonly allowNetwork: boolean;
  readonly memoryBytes: number;
}

export interface EvaluationSpace {
  /** How `program` of the same name is run in this space. */
  wrap(program: string, args: readonly string[]): SpaceCommand;
  /** Why an import from a derivation may not be built, where it could get around the confinement. */
  readonly importRefusal: string | undefined;
  /**
   * Resolves when all that programs in it were told is in the store is there: they may be told a little early. Rejects
   * with `nix.failed` when some of it is not.
   */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export type SpaceOpening =
  | { readonly kind: 'open'; readonly space: EvaluationSpace }
  | { readonly kind: 'refused'; readonly reason: string };

export interface EvaluationSpaces {
  open(needs: SpaceNeeds, signal: AbortSignal): Promise<SpaceOpening>;
}

// Above the watched ceiling: Nix maps its first heap (384 MiB) before it needs it.
const DATA_SLACK_BYTES = 512 * 1_024 * 1_024;

/** Nothing it starts can hold much more than the ceiling, however fast it grows; no core dumps of it. */
export function limitedCommand(memoryBytes: number, command: readonly string[]): readonly string[] {
  return ['prlimit', `--data=${memoryBytes + DATA_SLACK_BYTES}`, '--core=0', '--', ...command];
}

/** For a person's own flake: their environment, their credentials, their files. */
export function createUnconfinedSpaces(env: Readonly<Record<string, string | undefined>>): EvaluationSpaces {
  return {
    open(needs) {
      return Promise.resolve({
        kind: 'open',
        space: {
          importRefusal: undefined,
          wrap(program, args) {
            const [command = program, ...rest] = limitedCommand(needs.memoryBytes, [program, ...args]);
            return { command, args: rest, env };
          },
          settled: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
      });
    },
  };
}
