import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '../..');
const Report = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.int() }) })),
    }),
  ),
});

it('each rule is reported where it is broken, and nowhere else', () => {
  const directory = mkdtempSync(join(tmpdir(), 'argunix-lint-'));
  // Outside fixtures/, which the tree's own configuration leaves out.
  cpSync(join(import.meta.dirname, 'fixtures/broken.ts'), join(directory, 'broken.ts'));
  const configuration = {
    categories: { correctness: 'off' },
    jsPlugins: [join(import.meta.dirname, 'house-rules.mjs')],
    rules: { 'house/no-vi-mock': 'error', 'house/logger-static-message': 'error' },
  };
  writeFileSync(join(directory, 'oxlint.json'), JSON.stringify(configuration));

  const { stdout } = spawnSync(
    join(ROOT, 'node_modules/.bin/oxlint'),
    ['--config', 'oxlint.json', '--format', 'json', 'broken.ts'],
    { cwd: directory, encoding: 'utf8', timeout: 30_000 },
  );
  rmSync(directory, { recursive: true });
  const reports = Report.parse(JSON.parse(stdout)).diagnostics.map(
    ({ code, labels }) => `${labels[0]?.span.line}: ${code}`,
  );

  expect(reports.toSorted()).toEqual([
    '5: house(no-vi-mock)',
    '8: house(logger-static-message)',
    '9: house(logger-static-message)',
  ]);
});
