/** Which keys the schema knows at a place, read from its own JSON schema so that the two cannot differ. */
import { z } from 'zod';
import { valueAt } from './lenient.ts';
import type { KeyPath } from './problem.ts';
import { ConfigurationDocument } from './schema/configuration-document.ts';

/** The parts of a JSON schema that ours uses. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

export function configurationSchema(): SchemaNode {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod types its JSON schema more loosely than what it writes; the reference page is made from it and compared
  return z.toJSONSchema(ConfigurationDocument, { io: 'input' }) as SchemaNode;
}

export function knownKeysAt(path: KeyPath, value: unknown): readonly string[] {
  let node: SchemaNode | undefined = configurationSchema();
  let came: unknown = value;
  for (const part of path) {
    node = childOf(choose(node, came), part);
    came = valueAt(came, [part]);
  }
  return Object.keys(choose(node, came)?.properties ?? {});
}

/** Of several shapes the one whose `kind` is what came, else the first that has keys. */
function choose(node: SchemaNode | undefined, came: unknown): SchemaNode | undefined {
  const shapes = node?.oneOf ?? node?.anyOf;
  if (shapes === undefined) {
    return node;
  }
  const kind = typeof came === 'object' && came !== null && 'kind' in came ? came.kind : undefined;
  return (
    shapes.find(({ properties }) => {
      const words = properties?.['kind'];
      return words !== undefined && (words.const === kind || (words.enum?.includes(kind) ?? false));
    }) ??
    shapes.find(({ properties, additionalProperties }) => (properties ?? additionalProperties) !== undefined)
  );
}

function childOf(node: SchemaNode | undefined, part: string | number): SchemaNode | undefined {
  if (typeof part === 'number') {
    return node?.items;
  }
  const other = typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined;
  return node?.properties?.[part] ?? other;
}
