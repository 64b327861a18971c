/**
 * One agent per state directory: two would build the same leases. The lock is SQLite's on a file of its own, as the
 * coordinator's is: Node offers no flock, and the kernel gives this one back however the process ends.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';

// SQLITE_BUSY; sqlite.org/rescode.html.
const BUSY = 5;

/** Throws `agent.running` when another agent has it. Returns what gives it back. */
export function takeStateLock(stateDir: string): () => void {
  const path = join(stateDir, 'agent.lock');
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec('pragma journal_mode = delete; begin exclusive');
    return () => lock?.close();
  } catch (error) {
    lock?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) {
      throw new AppError(
        'agent.running',
        `${stateDir}: another agent uses this state directory. Stop it, or give this one a --state-dir of its own.`,
        { stateDir },
      );
    }
    throw new AppError(
      'state-dir.unwritable',
      `--state-dir: expected to lock ${path}, got ${messageOf(error)}`,
      { path },
      error,
    );
  }
}
