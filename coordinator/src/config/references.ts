/**
 * What is wrong between parts of a configuration that are each right: names that nothing has, two things where one is
 * meant. Reads the plain values leniently, so that a mistake elsewhere does not hide one here.
 */
import { nameCaches } from './cache-name.ts';
import { entriesOf, recordOf, textOf, textsOf, valueAt } from './lenient.ts';
import { nearestOf } from './nearest.ts';
import type { KeyPath, Remark } from './problem.ts';

export function judgeReferences(document: unknown): readonly Remark[] {
  const forges = entriesOf(document, ['forges']);
  return [
    ...judgeCacheNames(document),
    ...judgeRegistryNames(document, forges),
    ...judgeServeCache(document),
    ...judgeLocalBuilders(document),
    ...judgeForgeNames(forges),
    ...forges.flatMap(([name, forge]) => [
      ...judgeForgeAuth(['forges', name], forge),
      ...entriesOf(forge, ['repos']).flatMap(([slug, repo]) =>
        judgeRepository(document, ['forges', name, 'repos', slug], repo),
      ),
    ]),
  ];
}

function judgeCacheNames(document: unknown): readonly Remark[] {
  const seen = new Set<string>();
  return entriesOf(document, ['binary_caches']).flatMap(([index, cache]) => {
    const name = textOf(cache, 'name');
    if (name === undefined) {
      return [];
    }
    const isDuplicate = seen.has(name);
    seen.add(name);
    return isDuplicate
      ? [
          {
            path: ['binary_caches', Number(index), 'name'],
            message: `expected a name of its own, got ${JSON.stringify(name)} a second time`,
          },
        ]
      : [];
  });
}

function judgeRegistryNames(
  document: unknown,
  forges: readonly (readonly [string, unknown])[],
): readonly Remark[] {
  const known = entriesOf(document, ['registries']).map(([name]) => name);
  const scopes: (readonly [KeyPath, unknown])[] = [[['defaults'], valueAt(document, ['defaults'])]];
  for (const [forgeName, forge] of forges) {
    scopes.push([['forges', forgeName], forge]);
    for (const [slug, repo] of entriesOf(forge, ['repos'])) {
      scopes.push([['forges', forgeName, 'repos', slug], repo]);
    }
  }
  return scopes.flatMap(([path, scope]) =>
    unknownNames([...path, 'push_to_registries'], scope, known, 'registries'),
  );
}

function unknownNames(
  path: KeyPath,
  holder: unknown,
  known: readonly string[],
  where: string,
): readonly Remark[] {
  const key = String(path.at(-1));
  return textsOf(holder, key).flatMap(([index, name]) =>
    known.includes(name)
      ? []
      : [
          {
            path: [...path, index],
            message: `${expectedOneOf(known, where)}, got ${JSON.stringify(name)}${hint(name, known)}`,
          },
        ],
  );
}

function judgeLocalBuilders(document: unknown): readonly Remark[] {
  const builders = entriesOf(document, ['local_builders']);
  if (valueAt(document, ['local_builders']) !== undefined && builders.length === 0) {
    return [
      {
        path: ['local_builders'],
        message: 'expected at least one builder, got none; local_builds: false keeps this host from building',
      },
    ];
  }
  // What it does not offer cannot be required of it: nothing would ever be built there.
  return builders.flatMap(([name, builder]) => {
    const offered = textsOf(builder, 'features').map(([, feature]) => feature);
    return valueAt(builder, ['features']) === undefined
      ? []
      : unknownNames(['local_builders', name, 'mandatory_features'], builder, offered, 'its features');
  });
}

function judgeServeCache(document: unknown): readonly Remark[] {
  const serve = recordOf(valueAt(document, ['serve_cache']));
  return serve['enabled'] === true && serve['signing_key_path'] === undefined
    ? [
        {
          path: ['serve_cache'],
          message: 'expected signing_key_path when enabled is true: clients refuse paths that nobody signed',
        },
      ]
    : [];
}

/** `/webhook/github` is where Apps and hooks of the Rust argunix arrive; a forge of another kind must not stand there. */
function judgeForgeNames(forges: readonly (readonly [string, unknown])[]): readonly Remark[] {
  const kinds = ['github', 'gitlab', 'forgejo', 'gitea', 'git'];
  const seen = new Map<string, string>();
  return forges.flatMap(([name, forge]) => {
    const kind = textOf(forge, 'kind');
    const lower = name.toLowerCase();
    const twin = seen.get(lower);
    seen.set(lower, name);
    if (twin !== undefined) {
      return [
        {
          path: ['forges', name],
          at: 'key' as const,
          message: `expected a name that differs from ${JSON.stringify(twin)} by more than letter case, got ${JSON.stringify(name)}`,
        },
      ];
    }
    return kinds.includes(lower) && kind !== undefined && toCanonical(lower) !== toCanonical(kind)
      ? [
          {
            path: ['forges', name],
            at: 'key' as const,
            message: `expected another name for a forge of kind ${kind}, got ${JSON.stringify(name)}: /webhook/${lower} already means forges of kind ${lower}`,
          },
        ]
      : [];
  });
}

/** Forgejo and Gitea speak the same hooks. */
function toCanonical(kind: string): string {
  return kind === 'gitea' ? 'forgejo' : kind;
}

const NEEDED = 'token_path, or app_id with app_private_key_path';

function judgeForgeAuth(path: KeyPath, forge: unknown): readonly Remark[] {
  const settings = recordOf(forge);
  if (settings['kind'] === 'git' || settings['kind'] === undefined) {
    return [];
  }
  const [hasToken, hasId, hasKey] = ['token_path', 'app_id', 'app_private_key_path'].map(
    (key) => settings[key] !== undefined,
  );
  if (hasToken && (hasId || hasKey)) {
    return [{ path, message: `expected either ${NEEDED}, got both` }];
  }
  if (hasToken) {
    return [];
  }
  if (!hasId && !hasKey) {
    return [{ path, message: `expected ${NEEDED}, got neither` }];
  }
  if (!hasId || !hasKey) {
    const [has, lacks] = hasId ? ['app_id', 'app_private_key_path'] : ['app_private_key_path', 'app_id'];
    return [{ path, message: `expected ${lacks} as well, got only ${has}` }];
  }
  return settings['kind'] === 'github'
    ? []
    : [
        {
          path: [...path, 'app_id'],
          message: `expected token_path: only forges of kind github have Apps, got a forge of kind ${textOf(forge, 'kind') ?? 'unknown'}`,
        },
      ];
}

function judgeRepository(document: unknown, path: KeyPath, repo: unknown): readonly Remark[] {
  const caches = nameCaches(
    entriesOf(document, ['binary_caches']).map(([, cache]) => ({
      name: textOf(cache, 'name'),
      pushUrl: textOf(cache, 'push_url'),
    })),
  );
  const clone = recordOf(valueAt(repo, ['clone']));
  const remarks = [...unknownNames([...path, 'caches'], repo, caches, 'binary_caches')];
  if (clone['method'] === 'ssh' && clone['ssh_key_path'] === undefined) {
    remarks.push({ path: [...path, 'clone'], message: 'expected ssh_key_path when method is ssh' });
  }
  return remarks;
}

function expectedOneOf(known: readonly string[], where: string): string {
  return known.length === 0
    ? `expected a name from ${where}, which has none`
    : `expected one of ${where} (${[...new Set(known)].join(', ')})`;
}

function hint(name: string, known: readonly string[]): string {
  const nearest = nearestOf(name, known);
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}
