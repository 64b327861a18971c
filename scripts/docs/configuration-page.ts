/** docs/reference/configuration.md: every key the schema knows, as the schema describes it. */
import { configurationSchema, type SchemaNode } from '../../coordinator/src/config/known-keys.ts';
import { WITHOUT_EFFECT } from '../../coordinator/src/config/without-effect.ts';

interface Row {
  readonly path: readonly string[];
  readonly node: SchemaNode;
  readonly isRequired: boolean;
}

export function renderConfigurationPage(): string {
  const root = configurationSchema();
  const rows = rowsOf(root, []);
  const sections = Map.groupBy(rows, ({ path }) => path.slice(0, -1).join('.'));
  return `# Configuration reference

Every key of \`argunix.yaml\`, made from the schema that checks it. \`<name>\` stands for a name of your choice, \`<git>\` and
the like for the name of a forge of that kind. Unknown keys are refused. \`argunix schema\` prints the same as JSON schema;
\`argunix check --config FILE\` tells everything that is wrong with a file. In the values of keys that end in \`_path\`,
\`_dir\` or \`_socket\`, and in a repository's path, \`$VAR\` and \`\${VAR}\` stand for environment variables. How to set things
up: [configuration](../configuration.md).

${[...sections].map(([name, keys]) => renderSection(name, keys)).join('\n')}
## Without effect in this version

Accepted, checked, and told by \`argunix check\` as a warning.

${WITHOUT_EFFECT.map(({ path, reason }) => `- \`${pathText(path)}\`: ${reason}`).join('\n')}
- \`local_builders\` where \`local_builds\` is off
- \`forges.<git>.repos.<name>.clone.method\` and \`.ssh_key_path\`: the URL says how to clone
`;
}

/** Depth first, so that a section's keys stay together; the two shapes of a forge are told apart by their kind. */
function rowsOf(node: SchemaNode, path: readonly string[]): readonly Row[] {
  const required = new Set(node.required);
  const own = Object.entries(node.properties ?? {}).map(
    ([key, child]): Row => ({
      path: [...path, key],
      node: child,
      isRequired: required.has(key),
    }),
  );
  return [...own, ...own.flatMap((row) => below(row.node, row.path))];
}

function below(node: SchemaNode, path: readonly string[]): readonly Row[] {
  if (node.properties !== undefined) {
    return rowsOf(node, path);
  }
  if (typeof node.additionalProperties === 'object') {
    return below(node.additionalProperties, [...path, '<name>']);
  }
  if (node.items?.properties !== undefined) {
    return rowsOf(node.items, [...path, '[]']);
  }
  const shapes = (node.oneOf ?? node.anyOf ?? []).filter(
    ({ properties, additionalProperties }) => (properties ?? additionalProperties) !== undefined,
  );
  return shapes.flatMap((shape) =>
    below(shape, shapes.length === 1 ? path : [...path.slice(0, -1), `<${kindsOf(shape)}>`]),
  );
}

function kindsOf(shape: SchemaNode): string {
  const kind = shape.properties?.['kind'];
  return (kind?.enum ?? [kind?.const]).join(', ');
}

function renderSection(name: string, rows: readonly Row[]): string {
  const title = name === '' ? 'Top level' : `\`${pathText(name.split('.'))}\``;
  const lines = rows.map(
    ({ path, node, isRequired }) =>
      `| \`${path.at(-1) ?? ''}\` | ${typeText(node)} | ${isRequired ? 'required' : defaultText(node)} | ${cell(node.description ?? '')} |`,
  );
  return `## ${title}\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}

function pathText(path: readonly string[]): string {
  return path
    .map((part) => (part === '*' ? '<name>' : part))
    .join('.')
    .replaceAll('.[]', '[]');
}

function typeText(node: SchemaNode): string {
  if (node.const !== undefined) {
    return `\`${JSON.stringify(node.const).replaceAll('"', '')}\``;
  }
  if (node.enum !== undefined) {
    return node.enum.map((word) => `\`${String(word)}\``).join(', ');
  }
  if (node.anyOf !== undefined || node.oneOf !== undefined) {
    return [...new Set((node.anyOf ?? node.oneOf ?? []).map(typeText))].join(' or ');
  }
  const words = [node.type ?? 'anything'].flat().map((type) => typeWord(type, node));
  return words.join(' or ');
}

function typeWord(type: string, node: SchemaNode): string {
  switch (type) {
    case 'array':
      return 'list';
    case 'object':
      return 'map';
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return node.format === undefined ? 'text' : 'path';
    case 'integer':
    case 'number':
      return type === 'integer' ? `whole number${rangeText(node)}` : `number${rangeText(node)}`;
    default:
      return type;
  }
}

function rangeText({ minimum, maximum }: SchemaNode): string {
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  const isFloored = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER;
  return (isFloored ? ` from ${minimum}` : '') + (isBounded ? ` to ${maximum}` : '');
}

function defaultText({ default: value }: SchemaNode): string {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
  return value === undefined || isSection ? '' : `\`${JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
