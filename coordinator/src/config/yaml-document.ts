/** A YAML file as plain values, and where in the file each of them stands. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { KeyPath, Problem, Remark } from './problem.ts';
import { formatKeyPath } from './problem.ts';

export interface YamlDocument {
  readonly value: unknown;
  /** What YAML itself finds wrong. The value is then not to be trusted. */
  readonly problems: readonly Problem[];
  locate(remark: Remark): Problem;
}

// Enough for anchors that share settings; a file of aliases of aliases would else grow without end.
const MOST_ALIASES = 100;

export function parseYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter();
  const at = (offset: number, path: string, message: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), path, message };
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'silent',
      stringKeys: true,
    });
    const problems = [...document.errors, ...document.warnings].map((error) =>
      at(error.pos[0], '', `expected valid YAML: ${firstLine(error.message)}`),
    );
    return {
      value: problems.length === 0 ? document.toJS({ maxAliasCount: MOST_ALIASES }) : undefined,
      problems,
      locate: ({ path, message, at: where }) =>
        at(offsetOf(document, path, where === 'key'), formatKeyPath(path), message),
    };
  } catch (error) {
    // Unknown anchors, too many aliases, and nesting deeper than the stack are not among a document's errors.
    const message = error instanceof Error ? firstLine(error.message) : String(error);
    const problem = at(0, '', `expected valid YAML: ${message}`);
    return { value: undefined, problems: [problem], locate: () => problem };
  }
}

/** Where the value stands; a map stands at its own key, and what is missing at the map that should hold it. */
function offsetOf(document: Document, path: KeyPath, wantsKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, part] of path.entries()) {
    const found = childOf(isAlias(node) ? node.resolve(document) : node, part);
    if (found === undefined) {
      return offset;
    }
    const isKeyMeant = isMap(found.value) || (wantsKey && depth === path.length - 1);
    const valueOffset = startOf(found.value) ?? found.keyOffset ?? offset;
    offset = isKeyMeant ? (found.keyOffset ?? valueOffset) : valueOffset;
    node = found.value;
  }
  return offset;
}

interface Child {
  readonly keyOffset: number | undefined;
  readonly value: unknown;
}

function childOf(node: unknown, part: string | number): Child | undefined {
  if (isSeq(node)) {
    const value: unknown = typeof part === 'number' ? node.items[part] : undefined;
    return value === undefined ? undefined : { keyOffset: undefined, value };
  }
  if (!isMap(node)) {
    return undefined;
  }
  const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(part));
  return pair === undefined ? undefined : { keyOffset: startOf(pair.key), value: pair.value };
}

function keyText(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
