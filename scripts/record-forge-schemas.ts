/**
 * Writes the part of GitHub's published OpenAPI description that our stand-in judges requests by, and a small example
 * of each answer. The whole description has 70 MB; fetch it apart (`npm pack @octokit/openapi`), unpack it, and run
 * `node scripts/record-forge-schemas.ts DIRECTORY`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const TARGET = join(import.meta.dirname, '../coordinator/test/forges/github/operations.json');
const REPOSITORY = '/repos/{owner}/{repo}';
const OPERATIONS = [
  'GET /user',
  'GET /app',
  'PATCH /app/hook/config',
  'POST /app/installations/{installation_id}/access_tokens',
  `GET ${REPOSITORY}`,
  `GET ${REPOSITORY}/installation`,
  `GET ${REPOSITORY}/pulls`,
  `GET ${REPOSITORY}/pulls/{pull_number}`,
  `GET ${REPOSITORY}/collaborators/{username}/permission`,
  `POST ${REPOSITORY}/statuses/{sha}`,
  `POST ${REPOSITORY}/check-runs`,
  `PATCH ${REPOSITORY}/check-runs/{check_run_id}`,
  `GET ${REPOSITORY}/hooks`,
  `POST ${REPOSITORY}/hooks`,
  `PATCH ${REPOSITORY}/hooks/{hook_id}`,
  `DELETE ${REPOSITORY}/hooks/{hook_id}`,
];
// Of requests and repositories the recorded deliveries are the examples.
const LARGEST_EXAMPLE = 4_000;

const KEPT = new Set([
  ...['type', 'properties', 'required', 'items', 'enum', 'anyOf', 'oneOf', 'allOf', 'additionalProperties'],
  ...['maxLength', 'minLength', 'maxItems', 'minItems', 'maximum', 'minimum', 'pattern', 'format'],
]);

const Content = z.object({
  schema: z.unknown(),
  examples: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
});
const Media = z.object({ 'application/json': Content.optional() });
const Operation = z.object({
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        schema: z.unknown(),
      }),
    )
    .default([]),
  requestBody: z.object({ required: z.boolean().default(false), content: Media }).optional(),
  responses: z.record(z.string(), z.object({ content: Media.optional() })),
});
const Description = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
const Package = z.object({ name: z.string(), version: z.string(), license: z.string() });

const directory = process.argv[2];
if (directory === undefined) {
  throw new Error('usage: node scripts/record-forge-schemas.ts DIRECTORY-OF-THE-UNPACKED-PACKAGE');
}
const origin = Package.parse(read('package.json'));
const { paths } = Description.parse(read('generated/api.github.com.deref.json'));
const excerpt = {
  source: `${origin.name} ${origin.version}, generated/api.github.com.deref.json: GitHub's description of its REST API`,
  licence: `${origin.license}. Copyright (c) GitHub, Inc. and Octokit contributors`,
  recordedBy: 'scripts/record-forge-schemas.ts',
  operations: OPERATIONS.map(record),
};
writeFileSync(TARGET, `${JSON.stringify(excerpt)}\n`);

function read(path: string): unknown {
  return JSON.parse(readFileSync(join(directory ?? '', path), 'utf8'));
}

function record(name: string): unknown {
  const [method = '', path = ''] = name.split(' ');
  const operation = Operation.parse(paths[path]?.[method.toLowerCase()]);
  const body = operation.requestBody?.content['application/json'];
  const good = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
  const [status = '', answer] = good[0] ?? [];
  const content = answer?.content?.['application/json'];
  const example = Object.values(content?.examples ?? {})[0]?.value;
  const isSmall = JSON.stringify(example ?? null).length <= LARGEST_EXAMPLE;
  return {
    method,
    path,
    parameters: operation.parameters.map((parameter) => ({
      ...parameter,
      schema: toRequestSchema(parameter.schema),
    })),
    body: body === undefined ? null : toRequestSchema(body.schema),
    isBodyRequired: operation.requestBody?.required ?? false,
    status: Number(status),
    answer: content === undefined ? null : toAnswerSchema(content.schema),
    example: isSmall ? (example ?? null) : null,
  };
}

/** Everything that is said of it; a field that is not described is refused, although the description does not say so. */
function toRequestSchema(schema: unknown): unknown {
  return simplify(schema, (node) =>
    node['properties'] === undefined || 'additionalProperties' in node
      ? node
      : { ...node, additionalProperties: false },
  );
}

/** Only what an answer must have: it is for the stand-in's own honesty. */
function toAnswerSchema(schema: unknown): unknown {
  return simplify(schema, (node) => {
    const required = z.array(z.string()).catch([]).parse(node['required']);
    const properties = z.record(z.string(), z.unknown()).catch({}).parse(node['properties']);
    const kept = Object.entries(properties).filter(([name]) => required.includes(name));
    return {
      ...node,
      ...(kept.length === 0 ? { properties: undefined } : { properties: Object.fromEntries(kept) }),
    };
  });
}

type Node = Readonly<Record<string, unknown>>;

/** From OpenAPI 3.0 to JSON schema, without prose. */
function simplify(schema: unknown, change: (node: Node) => Node): unknown {
  if (Array.isArray(schema)) {
    return schema.map((item) => simplify(item, change));
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const node: Node = change({ ...schema });
  const kept = Object.entries(node)
    .filter(([key, value]) => KEPT.has(key) && value !== undefined && value !== 'int64')
    .map(([key, value]) => [key, simplifyPart(key, value, change)]);
  const plain: unknown = Object.fromEntries(kept);
  return node['nullable'] === true ? { anyOf: [plain, { type: 'null' }] } : plain;
}

function simplifyPart(key: string, value: unknown, change: (node: Node) => Node): unknown {
  if (key === 'required' || key === 'enum') {
    return value;
  }
  if (key === 'properties' && typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, simplify(part, change)]));
  }
  return simplify(value, change);
}
