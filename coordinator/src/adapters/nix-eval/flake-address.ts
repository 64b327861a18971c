/**
 * A reference that `builtins.getFlake` takes in pure mode, which is one that names its content. A checkout is the git
 * revision itself. Where git does not hold the files (large files) or would fetch them again from where the confined
 * evaluator may not go (submodules), it is the worktree without its `.git`, brought into the store, with the revision
 * written beside it so that `self.rev` stays what it is; the same where the path needs escapes, which Nix 2.8
 * does not take back when it looks for the `.git` of a worktree.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '@argunix/shared/kit/run-process';
import { z } from 'zod';
import type { EvaluationRequest, FlakeSource } from '../../ports/evaluator.ts';
import type { EvaluationSpace } from './evaluation-space.ts';
import { nixString } from './jobs-expression.ts';
import { nixArguments } from './nix-arguments.ts';
import { nixMessage } from './nix-message.ts';

export type FlakeAddress =
  | { readonly kind: 'address'; readonly url: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'timed_out' }
  | { readonly kind: 'cancelled' };

type Checkout = Extract<FlakeSource, { kind: 'checkout' }>;

const METADATA = ['flake', 'metadata', '--json', '--no-write-lock-file'];
const Imported = z.object({ path: z.string(), narHash: z.string() });
const Metadata = z.object({
  url: z.string(),
  path: z.string(),
  lastModified: z.number().optional(),
  locked: z.object({
    type: z.string(),
    rev: z.string().optional(),
    narHash: z.string().optional(),
    dir: z.string().optional(),
  }),
});

export async function flakeAddress(
  request: EvaluationRequest,
  space: EvaluationSpace,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<FlakeAddress> {
  const { source } = request;
  const ask: Ask = { request, space, deadlineMs, signal };
  if (source.kind === 'reference') {
    return await lockedReference(source.reference, ask);
  }
  if (!(await hasFlake(source.worktreeDir))) {
    return { kind: 'failed', message: 'This revision has no flake.nix at its top.' };
  }
  return source.hasLargeFiles || source.hasSubmodules || encodePath(source.worktreeDir) !== source.worktreeDir
    ? await importedWorktree(source, ask)
    : { kind: 'address', url: `git+file://${encodePath(source.worktreeDir)}?rev=${source.sha}` };
}

/** What Nix says of it names a store path and an error of the system. */
async function hasFlake(worktreeDir: string): Promise<boolean> {
  try {
    await lstat(join(worktreeDir, 'flake.nix'));
    return true;
  } catch {
    // Whatever keeps us from seeing it keeps Nix from reading it.
    return false;
  }
}

interface Ask {
  readonly request: EvaluationRequest;
  readonly space: EvaluationSpace;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

async function importedWorktree(source: Checkout, ask: Ask): Promise<FlakeAddress> {
  // Impure, and only this text of ours is evaluated.
  const expression = `let path = builtins.path { path = ${nixString(source.worktreeDir)}; name = "source"; filter = path: type: baseNameOf path != ".git"; }; in { inherit path; inherit (builtins.fetchTree { type = "path"; inherit path; }) narHash; }`;
  const answer = await asked(['eval', '--impure', '--json', '--expr', expression], Imported, ask);
  if (answer.kind !== 'answer') {
    return answer;
  }
  const time = await commitTime(source, ask);
  const { path, narHash } = answer.value;
  return {
    kind: 'address',
    url: pathUrl(path, { narHash, rev: source.sha, ...(time === undefined ? {} : { lastModified: time }) }),
  };
}

async function lockedReference(reference: string, ask: Ask): Promise<FlakeAddress> {
  // A path that is no URL as it stands is not named to Nix: it is stood in.
  const cwd = reference.startsWith('/') && encodePath(reference) !== reference ? reference : undefined;
  const answer = await asked([...METADATA, cwd === undefined ? reference : '.'], Metadata, ask, cwd);
  if (answer.kind === 'failed' && cwd !== undefined && answer.message.includes('is not a valid URL')) {
    return {
      kind: 'failed',
      message: `This version of Nix cannot read a flake in a git repository whose path needs escapes in a URL: ${reference}. Move it, or take a newer Nix (2.26 can).`,
    };
  }
  if (answer.kind !== 'answer') {
    return answer;
  }
  const { url, path, lastModified, locked } = answer.value;
  if (locked.type !== 'path' && locked.rev !== undefined) {
    return { kind: 'address', url };
  }
  const content = pathUrl(path, {
    ...(locked.narHash === undefined ? {} : { narHash: locked.narHash }),
    ...(lastModified === undefined ? {} : { lastModified: String(lastModified) }),
    ...(locked.dir === undefined ? {} : { dir: locked.dir }),
  });
  return locked.dir === undefined || locked.narHash === undefined
    ? { kind: 'address', url: content }
    : await belowContent(content, `${path}.tar?${query({ narHash: locked.narHash, dir: locked.dir })}`, ask);
}

/**
 * A flake below the root of its source. Nix 2.8 refuses `dir` in a path reference and takes it in one of an archive,
 * which it does not look for: the content is named by its hash, and is in the store already. Only `lastModified` has
 * no place there.
 */
async function belowContent(url: string, archive: string, ask: Ask): Promise<FlakeAddress> {
  const answer = await asked([...METADATA, url], Metadata, ask);
  if (answer.kind === 'answer') {
    return { kind: 'address', url };
  }
  return answer.kind === 'failed' ? { kind: 'address', url: `file://${archive}` } : answer;
}

async function commitTime(source: Checkout, { space, deadlineMs, signal }: Ask): Promise<string | undefined> {
  const git = space.wrap('git', ['-C', source.worktreeDir, 'show', '-s', '--format=%ct', source.sha]);
  const { ending, stdout } = await runProcess({ ...git, deadlineMs, signal });
  const time = stdout.trim();
  return ending.kind === 'exited' && ending.code === 0 && /^\d+$/.test(time) ? time : undefined;
}

type Answer<T> = { readonly kind: 'answer'; readonly value: T } | Exclude<FlakeAddress, { kind: 'address' }>;

async function asked<T>(
  args: readonly string[],
  schema: z.ZodType<T>,
  ask: Ask,
  cwd?: string,
): Promise<Answer<T>> {
  const { request, space, deadlineMs, signal } = ask;
  const nix = space.wrap('nix', [...nixArguments(request, space), ...args]);
  const { ending, stdout, stderr } = await runProcess({
    ...nix,
    ...(cwd !== undefined && { cwd }),
    deadlineMs,
    signal,
  });
  if (ending.kind === 'timed_out' || ending.kind === 'cancelled') {
    return ending;
  }
  const said =
    ending.kind === 'exited' && ending.code === 0 ? schema.safeParse(parseJson(stdout)) : undefined;
  return said?.success === true
    ? { kind: 'answer', value: said.data }
    : { kind: 'failed', message: nixMessage(stderr.split('\n')) || stderr.trim().slice(-2_000) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema refuses it, and the caller says what Nix said.
    return undefined;
  }
}

function pathUrl(path: string, parameters: Readonly<Record<string, string>>): string {
  return `path:${encodePath(path)}?${query(parameters)}`;
}

function query(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString();
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
