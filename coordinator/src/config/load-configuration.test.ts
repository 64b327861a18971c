import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  array,
  assert,
  asyncProperty,
  constant,
  integer,
  jsonValue,
  nat,
  oneof,
  record,
  string,
} from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { formatReport } from '../commands/check.ts';
import type { Configuration } from './configuration.ts';
import { type LoadedConfiguration, loadConfiguration, readConfiguration } from './load-configuration.ts';

const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url));
const GOOD = ['good.yaml', 'rust.yaml'];

let secrets = '';
beforeAll(async () => {
  secrets = await mkdtemp(join(tmpdir(), 'argunix-config-'));
  await writeFile(join(secrets, 'token'), 'a token\n', { mode: 0o600 });
  await writeFile(join(secrets, 'codeberg'), 'a token\n', { mode: 0o600 });
  await writeFile(join(secrets, 'open'), 'a token\n', { mode: 0o644 });
  await writeFile(join(secrets, 'empty'), '\n', { mode: 0o600 });
});
afterAll(async () => await rm(secrets, { recursive: true }));

const broken = (await readdir(FIXTURES)).filter((name) => name.endsWith('.yaml') && !GOOD.includes(name));

describe('a broken configuration is refused with every mistake at its place', () => {
  test.each(broken)('%s', async (name) => {
    const text = await readFile(join(FIXTURES, name), 'utf8');

    const loaded = await readConfiguration(text, name, { env: { SECRETS: secrets } });

    expect(loaded.kind).toBe('refused');
    const report = formatReport(name, loaded, (_format, line) => line).replaceAll(secrets, '$SECRETS');
    expect(report).toBe(await readFile(join(FIXTURES, name.replace('.yaml', '.txt')), 'utf8'));
  });

  test('no message shows a password, a token or a key', async () => {
    const reports = await Promise.all(
      broken.map(async (name) => await readFile(join(FIXTURES, name.replace('.yaml', '.txt')), 'utf8')),
    );

    expect(reports.join('')).not.toMatch(/hunter2|aHVudGVy|0123456789abcdef|user:password|user-password/);
  });
});

describe('a good configuration', () => {
  test("the contract's own example loads", async () => {
    const loaded = await load('good.yaml', {
      env: { CREDENTIALS_DIRECTORY: '/run/credentials' },
      skipSecrets: true,
    });

    expect(loaded).toMatchObject({
      systems: ['x86_64-linux'],
      controlSocketPath: '/var/lib/argunix/control/argunix.sock',
      schedule: { buildTimeoutMs: 18_000_000 },
      enrollment: { listen: { host: '::', port: 2222 } },
      servedCache: null,
      buildersExpectedOffline: ['laptop'],
      forges: [
        {
          kind: 'forgejo',
          auth: { kind: 'token', tokenPath: '/run/credentials/codeberg' },
          repositories: [
            { slug: 'owner/name', collapsedCheckThreshold: 50, caches: ['main'], maxAgeMs: 30 * 86_400_000 },
          ],
        },
        {
          kind: 'github',
          auth: { kind: 'app', appId: 123_456 },
          repositories: [{ watchedBranches: ['main'] }],
        },
        { kind: 'git', repositories: [{ url: '/srv/git/sample.git', pollMs: 60_000, visibility: 'public' }] },
      ],
    });
  });

  test('a repository of a forge is cloned by https unless it is told its key', async () => {
    const loaded = await load('rust.yaml', { env: { SECRETS: '/run/secrets' }, skipSecrets: true });

    expect(loaded.forges.flatMap((forge) => (forge.kind === 'git' ? [] : forge.repositories))).toMatchObject([
      { clone: { method: 'ssh', keyPath: '/run/secrets/token' } },
      { clone: { method: 'https' } },
      { clone: { method: 'https' } },
    ]);
  });

  test.each([
    [
      '',
      [{ name: 'local', slots: null, systems: null, features: null, mandatoryFeatures: [], speedFactor: 1 }],
    ],
    ['local_builds: false', []],
    [
      'local_builders: { small: , big: { slots: 8, features: [kvm], mandatory_features: [kvm], speed_factor: 2 } }',
      [
        { name: 'small', slots: null, systems: null, features: null, mandatoryFeatures: [], speedFactor: 1 },
        {
          name: 'big',
          slots: 8,
          systems: null,
          features: ['kvm'],
          mandatoryFeatures: ['kvm'],
          speedFactor: 2,
        },
      ],
    ],
  ])('%j: the builders of this host', async (line, localBuilders) => {
    const text = `external_url: http://x\nforges: {}\n${line}`;

    const loaded = await readConfiguration(text, 'argunix.yaml', { env: {} });

    expect(loaded).toMatchObject({ kind: 'configuration', configuration: { localBuilders } });
  });

  test('one written for the Rust argunix loads unchanged, and every key without effect is told', async () => {
    const loaded = await loadConfiguration(join(FIXTURES, 'rust.yaml'), { env: { SECRETS: secrets } });

    expect(loaded).toMatchObject({
      kind: 'configuration',
      configuration: {
        externalUrl: 'https://ci.example.com',
        controlSocketPath: '/run/argunix/control.sock',
        isDryRun: true,
        forges: [
          {
            name: 'codeberg',
            repositories: [
              {
                registries: ['main', 'second'],
                weight: 3,
                evaluation: { memoryBytes: 2 * 1024 ** 3, timeoutMs: 60_000, allowNetwork: true },
              },
            ],
          },
          { name: 'github' },
          {
            name: 'gitlab',
            repositories: [{ slug: 'group/subgroup/name', evaluation: { allowNetwork: false } }],
          },
        ],
      },
    });
    const told = loaded.warnings.map(({ path }) => path);
    expect(told).toEqual(expect.arrayContaining(['web.static_dir', 'eval.non_flake_max_depth']));
  });

  test('three lines are enough, and everything else has a default', async () => {
    const loaded = await read('external_url: http://localhost\nforges: {}\n');

    expect(loaded).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      areSystemsOpen: true,
      retention: { maxAgeMs: 90 * 86_400_000 },
    });
    expect(loaded.systems).toHaveLength(1);
  });

  test('one slug on two forges is two repositories', async () => {
    const git = '{ kind: git, repos: { a/b: { url: /srv/a } } }';

    const { forges } = await read(`external_url: http://localhost\nforges: { one: ${git}, two: ${git} }\n`);

    expect(forges.flatMap(({ repositories }) => repositories.map(({ forge }) => forge))).toEqual([
      'one',
      'two',
    ]);
  });

  test.each([
    ['/srv/a', 'public'],
    ['https://git.example.com/a', 'public'],
    ['ssh://git@git.example.com/a', 'private'],
    ['git@git.example.com:a', 'private'],
  ])('of kind git, %s is %s unless told otherwise', async (url, visibility) => {
    const { forges } = await read(
      `external_url: http://localhost\nforges: { here: { kind: git, repos: { a/b: { url: "${url}" } } } }\n`,
    );

    expect(forges[0]?.repositories[0]?.visibility).toBe(visibility);
  });

  test('a path to a repository begins where the process works, and variables expand in it', async () => {
    const loaded = await readConfiguration(
      'external_url: http://localhost\nforges: { here: { kind: git, repos: { a/b: { url: ./a }, c/d: { url: $HERE/c } } } }\n',
      'argunix.yaml',
      { env: { HERE: '/here' }, workingDir: '/work' },
    );

    const forges = loaded.kind === 'configuration' ? loaded.configuration.forges : [];
    expect(forges[0]?.repositories).toMatchObject([{ url: '/work/a' }, { url: '/here/c' }]);
  });
});

test('a secret that everybody may read is a warning', async () => {
  const loaded = await readConfiguration(
    'external_url: http://localhost\nforges: {}\nmetrics: { token_path: $SECRETS/open }\n',
    'argunix.yaml',
    { env: { SECRETS: secrets } },
  );

  expect(loaded.kind).toBe('configuration');
  expect(loaded.warnings).toMatchObject([{ line: 3, path: 'metrics.token_path' }]);
});

test.each(['/nonexistent/argunix.yaml', '/'])(
  '%s, which is no file, is a problem and no exception',
  async (file) => {
    const loaded = await loadConfiguration(file, { env: {} });

    expect(loaded).toMatchObject({ kind: 'refused', problems: [{ file }] });
  },
);

describe('whatever a person writes is a configuration or problems, never an exception', () => {
  test('characters of a good file lost, doubled or replaced', async () => {
    const good = await readFile(join(FIXTURES, 'rust.yaml'), 'utf8');
    const edit = record({
      at: nat(good.length),
      length: nat(12),
      text: string({ maxLength: 8 }),
    });

    await assert(
      asyncProperty(array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const text = edits.reduce(
          (now, { at, length, text: put }) => now.slice(0, at) + put + now.slice(at + length),
          good,
        );

        expect(await judged(text)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('values of a good file replaced by anything', async () => {
    const good: unknown = parse(await readFile(join(FIXTURES, 'good.yaml'), 'utf8'));
    const anything = oneof(jsonValue(), constant('${'), constant('$A'), integer());

    await assert(
      asyncProperty(nat(120), anything, async (place, value) => {
        expect(await judged(stringify(replaceNth(good, place, value)))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ['nested deeper than any stack', `a: ${'['.repeat(200_000)}`],
    [
      'aliases of aliases',
      `a: &a [x,x]\n${'bcdefghijkl'.replace(/./g, (c, i: number) => `${c}: &${c} [*${'abcdefghijkl'[i]},*${'abcdefghijkl'[i]},*${'abcdefghijkl'[i]}]\n`)}`,
    ],
    ['an unknown anchor', 'external_url: *nowhere\n'],
    [
      'a key that is the prototype',
      '__proto__: { listen: x }\nexternal_url: http://localhost\nforges: { __proto__: {} }\n',
    ],
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['a list', '- 1\n'],
    ['a tag', 'external_url: !secret x\n'],
    ['a key that is a map', '? { a: 1 }\n: 2\n'],
  ])('%s', async (_name, text) => {
    const loaded = await readConfiguration(text, 'argunix.yaml', { env: {} });

    expect(loaded.kind).toBe('refused');
  });
});

async function judged(text: string): Promise<boolean> {
  const loaded = await readConfiguration(text, 'argunix.yaml', {
    env: { SECRETS: secrets },
    skipSecrets: true,
  });
  return (
    loaded.kind === 'configuration' ||
    loaded.problems.every(({ line, column, message }) => line > 0 && column > 0 && message !== '')
  );
}

/** The n-th value of a tree, counted from the top, becomes another. */
function replaceNth(tree: unknown, place: number, value: unknown): unknown {
  let count = 0;
  return JSON.parse(JSON.stringify(tree), (_key, child: unknown) =>
    count++ === place ? value : child,
  ) as unknown;
}

async function load(name: string, options: Parameters<typeof loadConfiguration>[1]): Promise<Configuration> {
  return configurationOf(await loadConfiguration(join(FIXTURES, name), options));
}

async function read(text: string): Promise<Configuration> {
  return configurationOf(await readConfiguration(text, 'argunix.yaml', { env: {} }));
}

function configurationOf(loaded: LoadedConfiguration): Configuration {
  if (loaded.kind === 'refused') {
    throw new Error(JSON.stringify(loaded.problems));
  }
  return loaded.configuration;
}
