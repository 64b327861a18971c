/**
 * Writes the part of the published API descriptions of Gitea and of Forgejo that our stand-in judges requests by. It is
 * taken from the declarations that two packages make of those descriptions: `npm pack gitea-js @llamaduck/forgejo-ts`,
 * unpack both, and run `node scripts/record-gitea-schemas.ts GITEA-DIRECTORY FORGEJO-DIRECTORY`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';
import { z } from 'zod';

type Schema = Readonly<Record<string, unknown>>;
interface Declared {
  readonly query: unknown;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}

const STATUSES: Readonly<Record<string, number>> = { POST: 201, DELETE: 204 };
const TARGET = join(import.meta.dirname, '../coordinator/test/forges/gitea');
const REPOSITORY = '/repos/{owner}/{repo}';
/** With the name that Forgejo's package gives it. */
const OPERATIONS = [
  ['GET', '/version', 'GetVersion'],
  ['GET', '/user', 'UserGetCurrent'],
  ['GET', REPOSITORY, 'RepoGet'],
  ['GET', `${REPOSITORY}/pulls`, 'RepoListPullRequests'],
  ['GET', `${REPOSITORY}/collaborators/{collaborator}/permission`, 'RepoGetRepoPermissions'],
  ['POST', `${REPOSITORY}/statuses/{sha}`, 'RepoCreateStatus'],
  ['GET', `${REPOSITORY}/hooks`, 'RepoListHooks'],
  ['POST', `${REPOSITORY}/hooks`, 'RepoCreateHook'],
  ['DELETE', `${REPOSITORY}/hooks/{id}`, 'RepoDeleteHook'],
] as const;
/** Of an answer only what somebody may read; a repository alone has sixty fields. */
const READ = new Set([
  ...['id', 'login', 'full_name', 'private', 'internal', 'default_branch', 'html_url', 'owner', 'visibility'],
  ...['number', 'title', 'draft', 'state', 'user', 'head', 'base', 'ref', 'sha', 'repo', 'repo_id', 'label'],
  ...['permission', 'role_name', 'config', 'events', 'active', 'type', 'branch_filter', 'url', 'version'],
  ...['context', 'status', 'description', 'target_url', 'created_at'],
]);

/** A node of the syntax tree; what is read of one is checked where it is read. */
const Node = z.looseObject({ type: z.string() });
type Node = z.infer<typeof Node>;
const Named = z.object({ value: z.string() });

const [giteaDirectory, forgejoDirectory] = process.argv.slice(2);
if (giteaDirectory === undefined || forgejoDirectory === undefined) {
  throw new Error('usage: node scripts/record-gitea-schemas.ts GITEA-DIRECTORY FORGEJO-DIRECTORY');
}
record('gitea', giteaDirectory, declaredByGitea);
record('forgejo', forgejoDirectory, declaredByForgejo);

function record(
  kind: string,
  directory: string,
  declare: (source: string, types: ReadonlyMap<string, Node>) => typeof find,
): void {
  const { name, version, license } = z
    .object({ name: z.string(), version: z.string(), license: z.string() })
    .parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')));
  const source = readFileSync(join(directory, 'dist/index.d.ts'), 'utf8');
  const types = typesIn(source);
  const declared = declare(source, types);
  const excerpt = {
    source: `${name} ${version}, dist/index.d.ts: made of the description of its REST API that ${kind} publishes`,
    licence: license,
    recordedBy: 'scripts/record-gitea-schemas.ts',
    operations: OPERATIONS.map(([method, path, operation]) => {
      const { query, body, status, answer } = declared(method, path, operation);
      return {
        method,
        path,
        parameters: [...inPath(path), ...inQuery(toSchema(query, types, false))],
        body: isNever(body) ? null : toSchema(body, types, false),
        isBodyRequired: !isNever(body),
        status,
        answer: isNever(answer) ? null : toSchema(answer, types, true),
        example: null,
      };
    }),
  };
  writeFileSync(join(TARGET, `${kind}-operations.json`), `${JSON.stringify(excerpt)}\n`);
}

declare function find(method: string, path: string, operation: string): Declared;

/** `type RepoGetData = { body; path; query; url }` and `type RepoGetResponses = { 200: Repository }`. */
function declaredByForgejo(_: string, types: ReadonlyMap<string, Node>): typeof find {
  return (_method, _path, operation) => {
    const data = membersOf(types.get(`${operation}Data`));
    const [[status, answer] = ['204', undefined]] = membersOf(types.get(`${operation}Responses`));
    return { query: data.get('query'), body: data.get('body'), status: Number(status), answer };
  };
}

/** `@request GET:/repos/{owner}/{repo}` above `repoGet: (owner: string, …, query?: {…}) => Promise<HttpResponse<…>>`. */
function declaredByGitea(source: string): typeof find {
  return (method, path) => {
    const start = source.indexOf(`@request ${method}:${path}\n`);
    const [, signature = ''] =
      /\*\/\s*\w+: ([\s\S]*?Promise<HttpResponse<[^;]*>>);\n/.exec(source.slice(start)) ?? [];
    const arrow = typesIn(`type Signature = ${signature};`).get('Signature');
    const parameters = new Map(
      z
        .array(z.looseObject({ value: z.string(), typeAnnotation: z.object({ typeAnnotation: Node }) }))
        .parse(arrow?.['params'])
        .map((parameter) => [parameter.value, parameter.typeAnnotation.typeAnnotation]),
    );
    const returned = Node.parse(
      z.object({ typeAnnotation: Node }).parse(arrow?.['typeAnnotation']).typeAnnotation,
    );
    const answer = argumentOf(argumentOf(returned));
    return {
      query: parameters.get('query'),
      body: parameters.get('body') ?? parameters.get('data'),
      status: STATUSES[method] ?? 200,
      answer: isKeyword(answer) ? undefined : answer,
    };
  };
}

function typesIn(source: string): ReadonlyMap<string, Node> {
  const { body } = z.object({ body: z.array(Node) }).parse(parseSync(source, { syntax: 'typescript' }));
  const types = new Map<string, Node>();
  for (const node of body) {
    if (node.type === 'TsTypeAliasDeclaration') {
      types.set(Named.parse(node['id']).value, Node.parse(node['typeAnnotation']));
    }
    if (node.type === 'TsInterfaceDeclaration') {
      types.set(Named.parse(node['id']).value, Node.parse(node['body']));
    }
  }
  return types;
}

function membersOf(node: unknown): ReadonlyMap<string, Node> {
  const { members, body } = z
    .object({ members: z.array(Node).optional(), body: z.array(Node).optional() })
    .parse(node ?? {});
  return new Map(
    (members ?? body ?? [])
      .filter(({ type }) => type === 'TsPropertySignature')
      .map((member) => [
        String(z.object({ value: z.union([z.string(), z.number()]) }).parse(member['key']).value),
        z.object({ typeAnnotation: Node }).parse(member['typeAnnotation']).typeAnnotation,
      ]),
  );
}

function argumentOf(node: Node | undefined): Node | undefined {
  return z.object({ params: z.array(Node) }).parse(node?.['typeParams']).params[0];
}

function isKeyword(node: unknown): boolean {
  return Node.safeParse(node).data?.type === 'TsKeywordType';
}

function isNever(node: unknown): boolean {
  return node === undefined || (isKeyword(node) && Node.parse(node)['kind'] === 'never');
}

function inPath(path: string): readonly Schema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function inQuery(query: Schema): readonly Schema[] {
  return Object.entries(z.record(z.string(), z.unknown()).catch({}).parse(query['properties'])).map(
    ([name, schema]) => ({ name, in: 'query', required: false, schema }),
  );
}

/** An answer may hold null where something may be missing, as Go writes it. */
function toSchema(
  node: unknown,
  types: ReadonlyMap<string, Node>,
  isAnswer: boolean,
  above: readonly string[] = [],
): Schema {
  const found = Node.catch({ type: 'missing' }).parse(node);
  switch (found.type) {
    case 'TsKeywordType': {
      const kind = z.string().parse(found['kind']);
      return ['string', 'number', 'boolean'].includes(kind) ? { type: kind } : {};
    }
    case 'TsArrayType':
      return { type: 'array', items: toSchema(found['elemType'], types, isAnswer, above) };
    case 'TsUnionType':
      return {
        enum: z
          .array(z.object({ literal: z.object({ value: z.unknown() }) }))
          .parse(found['types'])
          .map(({ literal }) => literal.value),
      };
    case 'TsTypeReference': {
      const name = Named.parse(found['typeName']).value;
      if (name === 'Array') {
        return { type: 'array', items: toSchema(argumentOf(found), types, isAnswer, above) };
      }
      return above.includes(name) ? {} : toSchema(types.get(name), types, isAnswer, [...above, name]);
    }
    case 'TsTypeLiteral':
    case 'TsInterfaceBody':
      return toObject(found, types, isAnswer, above);
    default:
      return {};
  }
}

function toObject(
  node: Node,
  types: ReadonlyMap<string, Node>,
  isAnswer: boolean,
  above: readonly string[],
): Schema {
  const members = z.array(Node).parse(node['members'] ?? node['body']);
  const isOpen = members.some(({ type }) => type === 'TsIndexSignature');
  const required = members
    .filter((member) => member.type === 'TsPropertySignature' && member['optional'] !== true)
    .map((member) => Named.parse(member['key']).value);
  const properties = [...membersOf(node)]
    .filter(([name]) => !isAnswer || READ.has(name))
    .map(([name, type]) => {
      const schema = toSchema(type, types, isAnswer, above);
      return [name, isAnswer ? { anyOf: [schema, { type: 'null' }] } : schema] as const;
    });
  return {
    type: 'object',
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(required.length === 0 ? {} : { required }),
    ...(isAnswer || isOpen ? {} : { additionalProperties: false }),
  };
}
