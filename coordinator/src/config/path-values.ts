/**
 * Expands variables in the values of the keys that name files, before the schema sees them: so every undefined
 * variable is told along with every other mistake. The key decides, not the schema; a test holds the two together.
 */
import { type Expansion, expandVariables } from './expand-variables.ts';
import type { KeyPath, Remark } from './problem.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const PATH_KEY = /_(?:path|dir|socket)$/;

export function expandPathValues(
  value: unknown,
  env: Environment,
): { readonly value: unknown; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = [];
  return { value: walk(value, []), remarks };

  function walk(node: unknown, path: KeyPath): unknown {
    if (Array.isArray(node)) {
      return node.map((item, index) => walk(item, [...path, index]));
    }
    if (typeof node === 'object' && node !== null) {
      return Object.fromEntries(
        Object.entries(node).flatMap(([key, child]) => {
          if (key === '__proto__') {
            remarks.push({ path: [...path, key], at: 'key', message: 'unknown key "__proto__"' });
            return [];
          }
          return [[key, walk(child, [...path, key])]];
        }),
      );
    }
    return typeof node === 'string' && isPath(node, path.at(-1)) ? expand(node, path) : node;
  }

  function expand(text: string, path: KeyPath): string {
    const expansion: Expansion = expandVariables(text, env);
    if (expansion.kind === 'refused') {
      remarks.push({ path, message: expansion.reason });
      return text;
    }
    return expansion.text;
  }
}

/** The `url` of a repository may be a path, which is then one of these. */
function isPath(text: string, key: string | number | undefined): boolean {
  return PATH_KEY.test(String(key)) || (key === 'url' && /^[./$]/.test(text));
}
