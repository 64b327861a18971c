/** Looks at every file that a configuration names as a secret: there, readable, not empty, nobody else's to read. */
import { resolve } from 'node:path';
import { openSecret } from '@argunix/shared/kit/secret';
import { valueAt } from './lenient.ts';
import type { KeyPath, Remark } from './problem.ts';
import { looksLikeSecret } from './schema/scalars.ts';

const SECRET_KEYS: ReadonlySet<string> = new Set([
  'token_path',
  'app_private_key_path',
  'signing_key_path',
  'auth_path',
  'ssh_key_path',
]);

export interface SecretVerdicts {
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
}

export async function judgeSecrets(document: unknown, workingDir: string): Promise<SecretVerdicts> {
  const problems: Remark[] = [];
  const warnings: Remark[] = [];
  for (const { path, file } of secretsOf(document, [])) {
    const found = await openSecret(resolve(workingDir, file));
    if (found.kind === 'refused') {
      problems.push({
        path,
        message: `expected a readable file that holds the secret, got ${found.problem}`,
      });
    } else if (found.isExposed) {
      warnings.push({ path, message: `every user of this host may read or change ${file}: chmod o-rwx it` });
    }
  }
  return { problems, warnings };
}

function secretsOf(
  node: unknown,
  path: KeyPath,
): readonly { readonly path: KeyPath; readonly file: string }[] {
  if (typeof node !== 'object' || node === null || isUnusedCache(node, path)) {
    return [];
  }
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) => {
    const here = [...path, Array.isArray(node) ? Number(key) : key];
    const isSecret =
      SECRET_KEYS.has(key) && typeof value === 'string' && value !== '' && !looksLikeSecret(value);
    return isSecret ? [{ path: here, file: value }] : secretsOf(value, here);
  });
}

function isUnusedCache(node: unknown, path: KeyPath): boolean {
  return path.length === 1 && path[0] === 'serve_cache' && valueAt(node, ['enabled']) !== true;
}
