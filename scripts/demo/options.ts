import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Ends after the first evaluation instead of serving on. */
  readonly isOnce: boolean;
  readonly isJson: boolean;
  /** A flake of the user's own, instead of the sample. */
  readonly flakeDirectory: string | undefined;
  /** Undefined: the usual one, or a free one when that is taken. */
  readonly port: number | undefined;
  readonly stateDirectory: string;
  /** How many agents build; 0: this host does by itself. */
  readonly builders: number;
}

export type OptionsVerdict =
  | { readonly kind: 'options'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly reason: string };

export const USAGE = `usage: ./demo [--once] [--json] [--flake DIR] [--port N] [--state DIR] [--builders N]

Starts a coordinator with a sample flake in a local git repository, pushes a commit, shows it being evaluated and
built, and serves the pages until Ctrl-C.

  --once        end after one evaluation; exit 0 when every job ended as the sample expects (with --flake: passed)
  --json        print that evaluation as one JSON object on standard output, everything else on standard error
  --flake DIR   a flake of your own instead of the sample; of a git repository its last commit
  --port N      where the pages are (8080, or a free one when that is taken)
  --state DIR   database, logs and repositories (default .demo-state in the checkout)
  --builders N  builder agents that enroll over SSH and build (1); 0: the coordinator's host builds by itself
`;

export function parseOptions(
  args: readonly string[],
  cwd: string,
  defaultStateDirectory: string,
): OptionsVerdict {
  const parsed = parse(args);
  if (typeof parsed === 'string') {
    return { kind: 'refused', reason: parsed };
  }
  const { help, once, json, flake, port, state, builders } = parsed;
  if (help) {
    return { kind: 'help' };
  }
  if (builders !== undefined && !/^(?:\d|1\d|20)$/.test(builders)) {
    return { kind: 'refused', reason: `--builders: expected 0 to 20, got ${JSON.stringify(builders)}` };
  }
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)) {
    return { kind: 'refused', reason: `--port: expected 1 to 65535, got ${JSON.stringify(port)}` };
  }
  return {
    kind: 'options',
    options: {
      isOnce: once,
      isJson: json,
      flakeDirectory: flake === undefined ? undefined : resolve(cwd, flake),
      port: port === undefined ? undefined : Number(port),
      builders: Number(builders ?? 1),
      stateDirectory: state === undefined ? defaultStateDirectory : resolve(cwd, state),
    },
  };
}

interface RawOptions {
  readonly help: boolean;
  readonly once: boolean;
  readonly json: boolean;
  readonly flake?: string;
  readonly port?: string;
  readonly state?: string;
  readonly builders?: string;
}

function parse(args: readonly string[]): RawOptions | string {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        flake: { type: 'string' },
        port: { type: 'string' },
        state: { type: 'string' },
        builders: { type: 'string' },
      },
    }).values;
  } catch (error) {
    // An option that does not exist, or one without its value; the sentence says which.
    return error instanceof Error ? error.message : String(error);
  }
}
