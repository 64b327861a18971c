/**
 * One `nix-store --realise` process and what is learned from it while it runs. It builds one derivation after the other
 * (or, for a single request, `maxJobs` of what that needs), and it ends with the first failure: with `--keep-going`,
 * Nix (2.8 to 2.26) keeps a failure to itself until the last of the others has ended.
 * Its caller has rooted the outputs before.
 */
import type { LogLine } from '../domain/log-line.ts';
import { type DerivationPath, parseDerivationPath, storePathName } from '../domain/store-path.ts';
import { startProcess } from '../kit/run-process.ts';
import type { RealiseOutcome } from './build-verdict.ts';
import type { RealiseLimits } from './ending-sentences.ts';
import { ACTIVITY, createNixLogParser, type NixEvent, RESULT } from './internal-json.ts';
import { watchOutputMemory } from './output-memory.ts';

export type BuildLine = Omit<LogLine, 'atMs'>;

export interface RealiseOptions {
  readonly drvPaths: readonly DerivationPath[];
  readonly maxJobs: number;
  readonly limits: RealiseLimits;
  readonly isSandboxed: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly graceMs?: number;
}

/** Called while the output is read: what they are told is not kept here. */
export interface RealiseObserver {
  /** A builder began, of a requested derivation or of one that they need. */
  started(drvPath: DerivationPath): void;
  lines(drvPath: DerivationPath, lines: readonly BuildLine[]): void;
  /** Asked after lines were told. A promise: nothing more is read before it resolves, and a full pipe holds the build. */
  room?(drvPath: DerivationPath): Promise<void> | undefined;
  /** Its builder is through and its outputs are valid; told only where it is certain which one it was. */
  built(drvPath: DerivationPath): void;
  /** Nix itself does something that takes a while: it fetches a path. */
  fetching(text: string): void;
}

export interface Realise {
  /** Ends it by the ladder; `ended` then tells `cancelled`. */
  stop(): void;
  /** Resolves when every process of it is gone. */
  readonly ended: Promise<RealiseOutcome>;
}

// A piece of a line that a page can show; the log keeps the pieces as lines.
const MAX_TEXT = 64 * 1024;
const MAX_NOTE = 256;
// Messages are sentences; a thousand of them are a loop.
const MAX_ERRORS = 1_000;
// The limits are Nix's own, per derivation; this is for a Nix that hangs, with room for ten inputs one after the other.
const HANG_FACTOR = 10;
const HANG_SLACK_MS = 3_600_000;

export function startRealise(options: RealiseOptions, observer: RealiseObserver): Realise {
  const { limits, drvPaths } = options;
  const running = startProcess({
    command: 'nix-store',
    args: realiseArguments(options),
    env: options.env,
    deadlineMs: (limits.timeoutMs + HANG_SLACK_MS) * (drvPaths.length + HANG_FACTOR),
    whenOrphaned: 'TERM',
    isBackground: true,
    ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
  });
  const errors: string[] = [];
  let isStopped = false;
  let isOverMemory = false;
  const memory = watchOutputMemory(running, () => {
    isOverMemory = !isStopped;
    running.stop();
  });
  const started = (drvPath: DerivationPath): void => {
    memory.begin();
    observer.started(drvPath);
  };
  const lines = (drvPath: DerivationPath, written: readonly BuildLine[]): void => {
    observer.lines(drvPath, written);
    const room = observer.room?.(drvPath);
    if (room !== undefined && !held.has(room)) {
      hold(room);
    }
  };
  const follow = followBuilds({ ...observer, started, lines }, (error) => {
    if (errors.length < MAX_ERRORS) {
      errors.push(error);
    }
  });
  const parser = createNixLogParser((event) => follow.event(event));
  const held = new Set<Promise<void>>();
  function hold(room: Promise<void>): void {
    held.add(room);
    running.stderr.pause();
    void room.then(() => {
      held.delete(room);
      if (held.size === 0) {
        running.stderr.resume();
      }
    });
  }
  running.stdin.end();
  // The output paths: the caller knows them.
  running.stdout.resume();
  running.stderr.on('data', (chunk: Buffer) => {
    parser.write(chunk);
    follow.flush();
  });
  return {
    stop: () => {
      isStopped = true;
      running.stop();
    },
    ended: running.ended.then((ending) => {
      memory.end();
      parser.end();
      follow.flush();
      return { ending, errors, limits, isOverMemory };
    }),
  };
}

function realiseArguments({ drvPaths, maxJobs, limits, isSandboxed }: RealiseOptions): readonly string[] {
  return [
    '--realise',
    '--fallback',
    // Whatever the operator's nix.conf says: the first failure is the end.
    '--option',
    'keep-going',
    'false',
    '--log-format',
    'internal-json',
    '-j',
    String(maxJobs),
    // Builders are ours to choose; a build that Nix sent elsewhere would not count as one of this host's slots.
    '--option',
    'builders',
    '',
    // The log is handed on as it comes; Nix's own copy costs five times the build of a talkative derivation (bzip2).
    '--option',
    'keep-build-log',
    'false',
    // A setting that a daemon takes from its trusted users only.
    '--option',
    'max-build-log-size',
    String(Math.max(1, Math.floor(limits.maxLogBytes))),
    '--timeout',
    seconds(limits.timeoutMs),
    '--max-silent-time',
    seconds(limits.maxSilentMs),
    // Otherwise a host that lacks namespaces builds without the sandbox, and says so nowhere.
    ...(isSandboxed ? ['--option', 'sandbox-fallback', 'false'] : []),
    // Parsed paths of the store begin with a slash: none can be taken for an option.
    ...drvPaths,
  ];
}

/** Nix takes 0 for "without end". */
function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1_000)));
}

/** The last piece has room for the note that something was left out. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  let from = 0;
  for (; text.length - from > MAX_TEXT; from += MAX_TEXT - MAX_NOTE) {
    pieces.push(text.slice(from, from + MAX_TEXT - MAX_NOTE));
  }
  return [...pieces, text.slice(from)];
}

interface RunningBuild {
  readonly drvPath: DerivationPath;
  phase: string;
  isOver: boolean;
}

interface Follower {
  event(event: NixEvent): void;
  /** Hands over the lines that are still held; they are held no longer than one chunk of output. */
  flush(): void;
}

/** Knows which builder an activity is, and from the count of finished builds which one is through. */
function followBuilds(observer: RealiseObserver, onError: (text: string) => void): Follower {
  const builds = new Map<string, RunningBuild>();
  let doneCount = 0;
  let pending: BuildLine[] = [];
  let pendingOf: DerivationPath | undefined;

  function flush(): void {
    if (pendingOf !== undefined && pending.length > 0) {
      observer.lines(pendingOf, pending);
    }
    pending = [];
    pendingOf = undefined;
  }
  function addLine({ drvPath, phase }: RunningBuild, text: string): void {
    if (pendingOf !== drvPath) {
      flush();
      pendingOf = drvPath;
    }
    const derivation = storePathName(drvPath);
    for (const piece of piecesOf(text)) {
      pending.push({ derivation, phase, text: piece });
    }
  }
  function begin({ id, activity, fields, text }: Extract<NixEvent, { kind: 'start' }>): void {
    if (activity === ACTIVITY.copyPath) {
      flush();
      observer.fetching(text);
    }
    const drvPath = parseDerivationPath(String(fields[0] ?? ''));
    if (drvPath === undefined || (activity !== ACTIVITY.build && activity !== ACTIVITY.postBuildHook)) {
      return;
    }
    builds.set(id, { drvPath, phase: '', isOver: activity === ACTIVITY.postBuildHook });
    if (activity === ACTIVITY.build) {
      flush();
      observer.started(drvPath);
    }
  }
  /** Fields of the progress of all builds: done, expected, running, failed. */
  function count(done: unknown): void {
    const living = [...builds.values()].filter(({ isOver }) => !isOver);
    if (typeof done !== 'number' || done <= doneCount) {
      return;
    }
    const [first] = living;
    if (first !== undefined && living.length === 1 && done === doneCount + 1) {
      first.isOver = true;
      flush();
      observer.built(first.drvPath);
    }
    doneCount = done;
  }
  function take({ id, result, fields }: Extract<NixEvent, { kind: 'result' }>): void {
    const build = builds.get(id);
    const [first] = fields;
    if (build === undefined) {
      if (result === RESULT.progress && fields.length === 4 && id === buildsId) {
        count(first);
      }
    } else if (result === RESULT.buildLogLine || result === RESULT.postBuildLogLine) {
      addLine(build, String(first ?? ''));
    } else if (result === RESULT.setPhase) {
      build.phase = String(first ?? '').slice(0, 100);
    }
  }
  let buildsId: string | undefined;
  return {
    flush,
    event(event) {
      switch (event.kind) {
        case 'start':
          if (event.activity === ACTIVITY.builds) {
            buildsId = event.id;
            doneCount = 0;
          }
          begin(event);
          break;
        case 'stop':
          builds.delete(event.id);
          break;
        case 'result':
          take(event);
          break;
        case 'message':
          if (event.level === 0) {
            onError(event.text);
          }
          break;
        case 'line':
          // Without the log format set up, an error comes as plain text.
          if (event.text.startsWith('error:')) {
            onError(event.text);
          }
          break;
      }
    },
  };
}
