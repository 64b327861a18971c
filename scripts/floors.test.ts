/** The floors hold: every rule of .dependency-cruiser.mjs is broken once in a copy of the tree, and reported. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');
const PACKAGES = ['coordinator', 'builder-agent', 'ctl', 'shared'];
const OTHERS = ['e2e', 'bench', 'scripts'].filter((room) => existsSync(join(ROOT, room)));

interface Plant {
  readonly rule: string;
  /** The file that breaks it. */
  readonly path: string;
  readonly source: string;
}

const PLANTS: readonly Plant[] = [
  {
    rule: 'packages-do-not-reach-into-each-other',
    path: 'builder-agent/src/planted-reach.ts',
    source: `import '../../coordinator/src/main.ts';`,
  },
  {
    rule: 'shared-is-the-foundation',
    path: 'shared/src/kit/planted-foundation.ts',
    source: `import '../../../scripts/planted-script.ts';`,
  },
  {
    rule: 'shared-words-are-pure',
    path: 'shared/src/protocol/planted-words.ts',
    source: `import '../kit/clock.ts';`,
  },
  {
    rule: 'shared-kit-earns-its-place',
    path: 'shared/src/kit/planted-lonely.ts',
    source: `export const lonely = 1;`,
  },
  {
    rule: 'domain-is-ground',
    path: 'coordinator/src/domain/planted-ground.ts',
    source: `import type { Changes } from '../ports/changes.ts';\nexport type Planted = Changes;`,
  },
  {
    rule: 'domain-is-ground',
    path: 'coordinator/src/domain/planted-node.ts',
    source: `import 'node:fs';`,
  },
  {
    rule: 'ports-are-promises-about-domain',
    path: 'coordinator/src/ports/planted-port.ts',
    source: `import type { Kysely } from 'kysely';\nexport type Planted = Kysely<unknown>;`,
  },
  {
    rule: 'flows-know-no-adapter',
    path: 'coordinator/src/flows/planted-flow.ts',
    source: `import 'zod';`,
  },
  {
    rule: 'adapters-are-islands',
    path: 'coordinator/src/adapters/planted-http/routes.ts',
    source: `import '../planted-sqlite/planted-store.ts';`,
  },
  {
    rule: 'forges-are-islands',
    path: 'coordinator/src/adapters/forge/planted-gitlab/statuses.ts',
    source: `import '../planted-github/planted-statuses.ts';`,
  },
  {
    rule: 'migrations-are-frozen',
    path: 'coordinator/src/adapters/sqlite/migrations/9999-planted.ts',
    source: `import '../../planted-sqlite/planted-store.ts';`,
  },
  {
    rule: 'only-compose-names-adapters',
    path: 'coordinator/src/planted-roof.ts',
    source: `import './adapters/planted-sqlite/planted-store.ts';`,
  },
  {
    rule: 'no-circular',
    path: 'coordinator/src/domain/planted-circle.ts',
    source: `import './planted-round.ts';`,
  },
  {
    rule: 'no-test-code-in-product',
    path: 'coordinator/src/flows/planted-untested.ts',
    source: `import './planted.test.ts';`,
  },
  {
    rule: 'no-dev-dependency-in-product',
    path: 'coordinator/src/adapters/planted-sqlite/planted-dev.ts',
    source: `import 'vitest';`,
  },
];

/** What the plants import; blameless themselves. */
const GROUND: Readonly<Record<string, string>> = {
  'scripts/planted-script.ts': 'export {};',
  'coordinator/src/adapters/planted-sqlite/planted-store.ts': 'export {};',
  'coordinator/src/adapters/forge/planted-github/planted-statuses.ts': 'export {};',
  'coordinator/src/domain/planted-round.ts': `import './planted-circle.ts';`,
  'coordinator/src/flows/planted.test.ts': 'export {};',
};

const Floors = z.object({ default: z.object({ forbidden: z.array(z.object({ name: z.string() })) }) });
const Report = z.object({
  summary: z.object({
    violations: z.array(z.object({ from: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

describe('floors', () => {
  const tree = mkdtempSync(join(tmpdir(), 'argunix-floors-'));
  let clean: readonly string[];
  let planted: readonly string[];

  beforeAll(() => {
    copyTree(tree);
    clean = violationsIn(tree);
    plant(tree, GROUND);
    plant(tree, Object.fromEntries(PLANTS.map(({ path, source }) => [path, source])));
    planted = violationsIn(tree);
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  it('nothing of the tree breaks a rule', () => {
    expect(clean).toEqual([]);
  });

  it.each(PLANTS)('$rule is reported for $path', ({ rule, path }) => {
    expect(planted).toContain(`${rule}: ${path}`);
  });

  it('every rule has its planted violation', async () => {
    const loaded: unknown = await import(join(ROOT, '.dependency-cruiser.mjs'));
    const names = Floors.parse(loaded).default.forbidden.map(({ name }) => name);

    expect(names.filter((name) => !PLANTS.some(({ rule }) => rule === name))).toEqual([]);
  });

  it('a file that breaks no rule is not reported', () => {
    const reported = new Set(planted.map((violation) => violation.split(': ')[1]));
    const blameless = Object.keys(GROUND).filter((path) => !path.includes('round'));

    expect(blameless.filter((path) => reported.has(path))).toEqual([]);
  });
});

function plant(tree: string, files: Readonly<Record<string, string>>): void {
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), `${source}\n`);
  }
}

/** Sources and manifests are copied, what is installed is linked. */
function copyTree(tree: string): void {
  for (const name of [
    '.dependency-cruiser.mjs',
    'tsconfig.base.json',
    'package.json',
    'pnpm-workspace.yaml',
  ]) {
    cpSync(join(ROOT, name), join(tree, name));
  }
  for (const room of [...PACKAGES, ...OTHERS]) {
    cpSync(join(ROOT, room), join(tree, room), {
      recursive: true,
      filter: (path) => !/\/(?:node_modules|dist)$/.test(path),
    });
  }
  for (const room of ['.', ...PACKAGES]) {
    linkInstalled(join(ROOT, room, 'node_modules'), join(tree, room, 'node_modules'), tree);
  }
}

/** Our own packages among the installed ones are those of the copy. */
function linkInstalled(from: string, to: string, tree: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name === '@argunix') {
      mkdirSync(join(to, name));
      symlinkSync(join(tree, 'shared'), join(to, name, 'shared'));
    } else {
      symlinkSync(join(from, name), join(to, name));
    }
  }
}

function violationsIn(tree: string): readonly string[] {
  const result = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'json',
      ...PACKAGES,
      ...OTHERS,
    ],
    { cwd: tree, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, timeout: 60_000 },
  );
  const report = Report.parse(JSON.parse(result.stdout));
  return report.summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`);
}
