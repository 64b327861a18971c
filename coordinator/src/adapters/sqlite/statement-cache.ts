import type Database from 'better-sqlite3';

// Some 100 different texts are in use; each prepared one costs some kilobytes.
const MOST_PREPARED = 300;

/** Prepares each text once, as long as it is among those that were used last: no number of different texts fills the memory. */
export function createStatementCache(
  connection: Database.Database,
  most = MOST_PREPARED,
): (sql: string) => Database.Statement {
  const statements = new Map<string, Database.Statement>();
  return (sql) => {
    const statement = statements.get(sql) ?? connection.prepare(sql);
    statements.delete(sql);
    statements.set(sql, statement);
    const [oldest] = statements.keys();
    if (statements.size > most && oldest !== undefined) {
      statements.delete(oldest);
    }
    return statement;
  };
}
