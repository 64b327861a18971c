/** Branches and tags at the other side, read as they come. */
import { AppError } from '@argunix/shared/kit/app-error';
import type { Logger } from '@argunix/shared/kit/logger';
import type { RemoteHeads } from '../../ports/source-checkout.ts';
import type { Access } from './access.ts';
import { unreachable } from './git-trouble.ts';
import { createHeadsReader } from './remote-heads.ts';
import { shownUrl } from './repository-url.ts';
import type { Git, GitStep } from './run-git.ts';

const MAX_SAID_BYTES = 64 * 1024;

export async function lookAt(
  git: Git,
  access: Access,
  log: Logger,
  signal: AbortSignal,
): Promise<RemoteHeads> {
  const url = shownUrl(access.url.text);
  const step: GitStep = {
    args: ['ls-remote', '--symref', '--quiet', '--', access.url.text],
    transports: access.transports,
    env: access.env,
    about: url,
    signal,
  };
  const running = await git.start(step);
  const reader = createHeadsReader();
  let said = '';
  running.stdin.end();
  running.stdout.on('data', (chunk: Buffer) => {
    if (reader.push(chunk) !== undefined) {
      running.stop();
    }
  });
  running.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-MAX_SAID_BYTES);
  });
  const ending = await running.ended;
  signal.throwIfAborted();
  // It ends as cancelled when we did not like what it said: then that is the cause.
  if (ending.kind !== 'cancelled' && git.judge(step, ending) !== 0) {
    throw unreachable(access, said);
  }
  const answer = reader.finish();
  switch (answer.kind) {
    case 'too-many':
      throw new AppError('git.unreachable', `${url}: expected at most 100,000 branches and tags, got more`, {
        url,
      });
    case 'rubbish':
      throw new AppError('git.unreachable', `${url}: expected a list of refs, got something else`, { url });
    case 'heads':
      if (answer.remote.heads.length === 0 && !(await isGitServer(git, access, step))) {
        throw new AppError('git.unreachable', `${url}: expected a git server, got something else`, { url });
      }
      if (answer.unnamed > 0) {
        log.warn({ url, count: answer.unnamed }, 'refs whose names are no valid text are left out');
      }
      return answer.remote;
  }
}

/**
 * Git takes a web page for the empty list of a plain web server, and no heads would mean that all branches are deleted.
 * A real one is told by its packets; only asked when a list is empty.
 */
async function isGitServer(git: Git, access: Access, step: GitStep): Promise<boolean> {
  if (!access.transports.some((transport) => transport === 'http' || transport === 'https')) {
    return true;
  }
  const { stderr } = await git.run({ ...step, env: { ...step.env, GIT_TRACE_PACKET: '1' } });
  return stderr
    .split('\n')
    .some(
      (line) => line.includes('packet: ') && /# service=git-upload-pack|version 2|capabilities/.test(line),
    );
}
