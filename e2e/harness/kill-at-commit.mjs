/**
 * Loaded before the coordinator by `node --import`: kills its process, by SIGKILL, before or after the Nth durable
 * commit of its database. It changes nothing else, so what is killed is the real program at a line of its own.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const [when, count] = (process.env.KILL_AT_COMMIT ?? '').split(' ');
if (!isMainThread && count !== undefined) {
  const require = createRequire(join(import.meta.dirname, '../../coordinator/package.json'));
  const Database = require('better-sqlite3');
  const { exec } = Database.prototype;
  let commits = 0;
  Database.prototype.exec = function execOrDie(sql) {
    if (sql !== 'commit') {
      return exec.call(this, sql);
    }
    commits += 1;
    if (when === 'before' && commits === Number(count)) {
      process.kill(process.pid, 'SIGKILL');
    }
    const result = exec.call(this, sql);
    if (when === 'after' && commits === Number(count)) {
      process.kill(process.pid, 'SIGKILL');
    }
    return result;
  };
}
