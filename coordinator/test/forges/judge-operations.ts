/**
 * Judges requests, and the stand-in's own answers, by the operations that a forge publishes: their paths, the names and
 * types of what is asked and said. A path, a parameter or a field that is not among them is a violation.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { z } from 'zod';
import type { SeenRequest, StandInAnswer } from './stand-in-server.ts';

const Schema = z.record(z.string(), z.unknown());
const Operations = z.object({
  operations: z.array(
    z.object({
      method: z.string(),
      path: z.string(),
      parameters: z.array(
        z.object({ name: z.string(), in: z.string(), required: z.boolean(), schema: Schema }),
      ),
      body: Schema.nullable(),
      isBodyRequired: z.boolean(),
      status: z.number(),
      answer: Schema.nullable(),
    }),
  ),
});
type Parameters = z.infer<typeof Operations>['operations'][number]['parameters'];

interface Operation {
  readonly method: string;
  readonly pattern: RegExp;
  readonly query: ValidateFunction;
  readonly body: ValidateFunction | null;
  readonly isBodyRequired: boolean;
  readonly status: number;
  readonly answer: ValidateFunction | null;
}

export interface OperationJudge {
  /** What is wrong with a request, as sentences. */
  request(seen: SeenRequest): readonly string[];
  /** The answer, if the forge could give it; only those that say that it went well are described. */
  honest(seen: SeenRequest, given: StandInAnswer): StandInAnswer;
}

export function readOperations(file: string, basePath: string): OperationJudge {
  const strict = new Ajv({ strict: false, allErrors: true });
  // A query is text, whatever its type is said to be.
  const coercing = new Ajv({ strict: false, allErrors: true, coerceTypes: true });
  const operations = Operations.parse(JSON.parse(readFileSync(file, 'utf8'))).operations.map(
    ({ method, path, parameters, body, isBodyRequired, status, answer }): Operation => ({
      method,
      pattern: new RegExp(`^${basePath}${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      query: coercing.compile(toQuerySchema(parameters)),
      body: body === null ? null : strict.compile(body),
      isBodyRequired,
      status,
      answer: answer === null ? null : strict.compile(answer),
    }),
  );

  function find({ method, path }: SeenRequest): Operation | undefined {
    return operations.find((operation) => operation.method === method && operation.pattern.test(path));
  }

  return {
    request(seen) {
      if (!seen.path.startsWith(`${basePath}/`)) {
        // Where a redirect of a test led; the stand-in has nothing there.
        return [];
      }
      const operation = find(seen);
      return operation === undefined
        ? ['there is no such operation']
        : [...judge('query', operation.query, { ...seen.query }), ...judgeBody(operation, seen)];
    },
    honest(seen, given) {
      const operation = find(seen);
      if (operation === undefined || given.status >= 300) {
        return given;
      }
      const wrong = [
        ...(given.status === operation.status ? [] : [`answered ${given.status}`]),
        ...(operation.answer === null ? [] : judge('answer', operation.answer, given.body)),
      ];
      if (wrong.length > 0) {
        throw new Error(`${seen.method} ${seen.path} is not answered so by the forge: ${wrong.join(', ')}`);
      }
      return given;
    },
  };
}

function toQuerySchema(parameters: Parameters): Readonly<Record<string, unknown>> {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  return {
    type: 'object',
    properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
    required: query.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function judgeBody(
  { body: validate, isBodyRequired }: Operation,
  { body, headers }: SeenRequest,
): readonly string[] {
  if (body === undefined) {
    return isBodyRequired ? ['a body is missing'] : [];
  }
  if (validate === null) {
    return ['a body was sent where none is taken'];
  }
  const isJson = headers['content-type'] === 'application/json';
  return [...(isJson ? [] : ['the body is not said to be JSON']), ...judge('body', validate, body)];
}

function judge(what: string, validate: ValidateFunction, value: unknown): readonly string[] {
  if (validate(value)) {
    return [];
  }
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${what}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
