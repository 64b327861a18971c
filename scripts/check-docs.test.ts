import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configurationSchema } from '../coordinator/src/config/known-keys.ts';
import { WITHOUT_EFFECT } from '../coordinator/src/config/without-effect.ts';
import { ERROR_CODES } from '../shared/src/kit/error-codes.ts';
import { checkPages, writePages } from './docs/pages.ts';

const ROOT = new URL('../', import.meta.url);

test('the documentation says what the program does', async () => {
  expect(await checkPages(ROOT)).toEqual([]);
});

test('every error code is in its page', async () => {
  const page = await readFile(new URL('docs/reference/errors.md', ROOT), 'utf8');
  const codes = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);

  expect(new Set(codes)).toEqual(new Set(Object.keys(ERROR_CODES)));
});

test('every top-level key of the configuration is in its page', async () => {
  const page = await readFile(new URL('docs/reference/configuration.md', ROOT), 'utf8');

  const missing = Object.keys(configurationSchema().properties ?? {}).filter(
    (key) => !page.includes(`| \`${key}\` |`),
  );
  expect(missing).toEqual([]);
});

test('what is listed as without effect is a key that exists', async () => {
  const page = await readFile(new URL('docs/reference/configuration.md', ROOT), 'utf8');

  const unknown = WITHOUT_EFFECT.filter(({ path }) => !page.includes(`| \`${path.at(-1)}\` |`));
  expect(unknown).toEqual([]);
});

describe('a page that lies is found', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'argunix-docs-'));
    await cp(new URL('docs', ROOT), join(root, 'docs'), { recursive: true });
  });
  afterEach(async () => await rm(root, { recursive: true }));

  test.each(['docs/reference/argunixctl.md', 'docs/reference/configuration.md', 'docs/reference/errors.md'])(
    '%s',
    async (path) => {
      await writeFile(join(root, path), `${await readFile(join(root, path), 'utf8')}More.\n`);

      const url = pathToFileURL(`${root}/`);
      expect(await checkPages(url)).toEqual([expect.stringContaining(path)]);
      await writePages(url);
      expect(await checkPages(url)).toEqual([]);
    },
  );

  test('an example that does not load', async () => {
    const path = join(root, 'docs/configuration.md');
    await writeFile(path, (await readFile(path, 'utf8')).replace('external_url:', 'external_ulr:'));

    expect((await checkPages(pathToFileURL(`${root}/`))).join('\n')).toContain('did you mean external_url?');
  });
});
