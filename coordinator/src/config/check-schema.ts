import type { z } from 'zod';
import { recordOf, textOf, valueAt } from './lenient.ts';
import { nearestOf } from './nearest.ts';
import type { Remark } from './problem.ts';
import { ConfigurationDocument } from './schema/configuration-document.ts';
import { FORGE_KIND_WORDS } from './schema/forge.ts';
import { toRemarks } from './schema-problems.ts';

export interface CheckedDocument {
  /** Undefined when there are remarks. */
  readonly document: ConfigurationDocument | undefined;
  readonly remarks: readonly Remark[];
}

export function checkSchema(value: unknown): CheckedDocument {
  const parsed = ConfigurationDocument.safeParse(value);
  if (parsed.success) {
    return { document: parsed.data, remarks: [] };
  }
  const guessed = withGuessedKinds(value, parsed.error);
  const hidden = guessed === undefined ? undefined : ConfigurationDocument.safeParse(guessed).error;
  const remarks = [
    ...toRemarks(parsed.error.issues, value),
    ...(hidden === undefined ? [] : toRemarks(hidden.issues, guessed)),
  ];
  return { document: undefined, remarks: unique(remarks) };
}

/** The kind of a forge decides its keys: what else is wrong in it shows only with a kind that is known. */
function withGuessedKinds(value: unknown, error: z.ZodError): unknown {
  const unknownKinds = error.issues.filter(
    ({ code, path }) =>
      code === 'invalid_union' && path.length === 3 && path[0] === 'forges' && path[2] === 'kind',
  );
  if (unknownKinds.length === 0) {
    return undefined;
  }
  const forges: Record<string, unknown> = { ...recordOf(valueAt(value, ['forges'])) };
  for (const { path } of unknownKinds) {
    const name = String(path[1]);
    const forge = recordOf(forges[name]);
    const kind = nearestOf(textOf(forge, 'kind') ?? '', FORGE_KIND_WORDS);
    forges[name] = { ...forge, kind: kind ?? (forge['web_url'] === undefined ? 'git' : 'forgejo') };
  }
  return { ...recordOf(value), forges };
}

/** A number that is neither whole nor large enough breaks two rules and is still one mistake. */
function unique(remarks: readonly Remark[]): readonly Remark[] {
  const byText = new Map(remarks.map((remark) => [JSON.stringify([remark.path, remark.message]), remark]));
  return [...byText.values()];
}
