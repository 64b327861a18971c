import { readFile, writeFile } from 'node:fs/promises';
import { readConfiguration } from '../../coordinator/src/config/load-configuration.ts';
import { renderArgunixBuilderPage } from './argunix-builder-page.ts';
import { renderArgunixctlPage } from './argunixctl-page.ts';
import { renderConfigurationPage } from './configuration-page.ts';
import { renderErrorsPage } from './errors-page.ts';

const GENERATED: Readonly<Record<string, () => string>> = {
  'docs/reference/argunix-builder.md': renderArgunixBuilderPage,
  'docs/reference/argunixctl.md': renderArgunixctlPage,
  'docs/reference/configuration.md': renderConfigurationPage,
  'docs/reference/errors.md': renderErrorsPage,
};
const WITH_EXAMPLES = ['docs/configuration.md', 'docs/reference/forges/github.md'];

export async function writePages(root: URL): Promise<void> {
  await Promise.all(
    Object.entries(GENERATED).map(async ([path, render]) => await writeFile(new URL(path, root), render())),
  );
}

/** A sentence for each page that says something else than the program does. */
export async function checkPages(root: URL): Promise<readonly string[]> {
  const stale = Object.entries(GENERATED).map(async ([path, render]) =>
    (await readPage(root, path)) === render()
      ? []
      : [`${path} is not what the program says: node --conditions=source scripts/check-docs.ts --write`],
  );
  const broken = WITH_EXAMPLES.map(async (path) => await checkExamples(path, await readPage(root, path)));
  return (await Promise.all([...stale, ...broken])).flat();
}

/** People copy examples: each must be a whole configuration that loads. */
async function checkExamples(path: string, page: string): Promise<readonly string[]> {
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  if (examples.length === 0) {
    return [`${path} has no example`];
  }
  const loaded = await Promise.all(
    examples.map(async (text, index) => {
      const options = { env: { CREDENTIALS_DIRECTORY: '/run/credentials' }, skipSecrets: true };
      return await readConfiguration(text, `${path}, example ${index + 1}`, options);
    }),
  );
  return loaded.flatMap((result) =>
    result.kind === 'refused'
      ? result.problems.map(
          ({ file, line, path: key, message }) => `${file}, line ${line}: ${key} ${message}`,
        )
      : [],
  );
}

async function readPage(root: URL, path: string): Promise<string> {
  // A page that is missing differs from one that is there.
  return await readFile(new URL(path, root), 'utf8').catch(() => '');
}
