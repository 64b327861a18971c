/**
 * One coordinator per state directory. The lock is SQLite's own on a file beside the database: the kernel gives it
 * back however the process ends, so there is nothing stale to clean up.
 */
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import Database from 'better-sqlite3';

export function takeInstanceLock(stateDir: string): () => void {
  const path = `${stateDir}/instance.lock`;
  let lock: Database.Database | undefined;
  try {
    lock = new Database(path, { timeout: 0 });
    lock.pragma('journal_mode = DELETE');
    lock.exec('begin exclusive');
    return () => lock?.close();
  } catch (error) {
    lock?.close();
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') {
      throw new AppError(
        'store.locked',
        `${stateDir}: another coordinator uses this state directory. Stop it, or give this one a --state-dir of its own.`,
        { stateDir },
      );
    }
    throw new AppError(
      'state-dir.unwritable',
      `state_dir: expected to lock ${path}, got ${messageOf(error)}`,
      { path },
      error,
    );
  }
}
