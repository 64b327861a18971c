/** What the demo asks as the operator, with the operator's own tool. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { EvaluationView } from '@argunix/shared/control-api/views';
import { outputOf } from '@argunix/shared/kit/run-process';

const CTL = join(import.meta.dirname, '../../ctl/bin/argunixctl');
// It answers as soon as the wish is stored.
const DEADLINE_MS = 60_000;

export async function restartEvaluation(
  socketPath: string,
  id: number,
  signal: AbortSignal,
): Promise<EvaluationView> {
  const output = await outputOf({
    command: CTL,
    args: ['--socket', socketPath, '--json', 'evals', 'restart', String(id)],
    env: process.env,
    deadlineMs: DEADLINE_MS,
    signal,
  });
  return EvaluationView.parse(JSON.parse(output));
}

/** Whether a coordinator runs with this socket. */
export async function isAnswered(socketPath: string): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
