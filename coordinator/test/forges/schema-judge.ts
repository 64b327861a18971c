/**
 * Judges what a stand-in is asked, and what it answers, by an excerpt of the forge's published description. Where the
 * excerpt comes from is said in it.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import type { SeenRequest, StandInAnswer } from './stand-in-server.ts';

const Schema = z.record(z.string(), z.unknown()).nullable();

export const Excerpt = z.object({
  source: z.string(),
  licence: z.string(),
  operations: z.array(
    z.object({
      method: z.string(),
      /** `/repos/{owner}/{repo}` */
      path: z.string(),
      parameters: z.array(
        z.object({
          name: z.string(),
          in: z.string(),
          required: z.boolean(),
          schema: z.record(z.string(), z.unknown()),
        }),
      ),
      body: Schema,
      isBodyRequired: z.boolean(),
      status: z.number(),
      answer: Schema,
      example: z.unknown(),
    }),
  ),
});
export type Excerpt = z.infer<typeof Excerpt>;

export interface Matched {
  /** `GET /repos/{owner}/{repo}` */
  readonly operation: string;
  /** Decoded. */
  readonly parameters: Readonly<Record<string, string>>;
}

export interface SchemaJudge {
  readonly match: (request: SeenRequest) => Matched | undefined;
  readonly judgeRequest: (request: SeenRequest) => readonly string[];
  readonly judgeAnswer: (request: SeenRequest, answer: StandInAnswer) => readonly string[];
  readonly exampleOf: (operation: string) => unknown;
}

interface Compiled {
  readonly name: string;
  readonly pattern: RegExp;
  readonly method: string;
  readonly status: number;
  readonly isBodyRequired: boolean;
  readonly path: ValidateFunction;
  readonly query: ValidateFunction;
  readonly body: ValidateFunction | null;
  readonly answer: ValidateFunction | null;
  readonly example: unknown;
}

/** `prefix`: what stands before the paths of the description: `/api/v3`. */
export function createSchemaJudge(excerpt: Excerpt, prefix: string): SchemaJudge {
  const strict = addFormats.default(new Ajv({ strict: false, allErrors: true }));
  const ofText = addFormats.default(new Ajv({ strict: false, allErrors: true, coerceTypes: true }));
  const operations = excerpt.operations.map((operation): Compiled => {
    const parametersIn = (where: string): ValidateFunction =>
      ofText.compile(objectOf(operation.parameters.filter((parameter) => parameter.in === where)));
    return {
      name: `${operation.method} ${operation.path}`,
      method: operation.method,
      pattern: new RegExp(`^${prefix}${operation.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
      status: operation.status,
      isBodyRequired: operation.isBodyRequired,
      path: parametersIn('path'),
      query: parametersIn('query'),
      body: operation.body === null ? null : strict.compile(operation.body),
      answer: operation.answer === null ? null : strict.compile(operation.answer),
      example: operation.example,
    };
  });

  function find({ method, path }: SeenRequest): Compiled | undefined {
    return operations.find((operation) => operation.method === method && operation.pattern.test(path));
  }

  return {
    match: (request) => {
      const found = find(request);
      return found === undefined
        ? undefined
        : { operation: found.name, parameters: parametersOf(found, request) };
    },
    judgeRequest: (request) => {
      const found = find(request);
      return found === undefined
        ? ['the description has no such operation']
        : [
            ...mistakes('path', found.path, parametersOf(found, request)),
            ...mistakes('query', found.query, { ...request.query }),
            ...judgeBody(found, request),
          ];
    },
    judgeAnswer: (request, { status, body }) => {
      const found = find(request);
      if (found === undefined || status >= 300) {
        return [];
      }
      return status === found.status
        ? mistakes('answer', found.answer, body)
        : [`answered with ${status} instead of ${found.status}`];
    },
    exampleOf: (operation) => structuredClone(operations.find(({ name }) => name === operation)?.example),
  };
}

function judgeBody({ body, isBodyRequired }: Compiled, request: SeenRequest): readonly string[] {
  if (request.body === undefined) {
    return isBodyRequired ? ['a body is required'] : [];
  }
  if (body === null) {
    return ['a body is sent where none is described'];
  }
  const type = request.headers['content-type'];
  return [
    ...(type === 'application/json' ? [] : [`the content type is ${String(type)}`]),
    ...mistakes('body', body, request.body),
  ];
}

function mistakes(where: string, validate: ValidateFunction | null, value: unknown): readonly string[] {
  if (validate === null || validate(value)) {
    return [];
  }
  return (validate.errors ?? []).map(
    (error) => `${where}${error.instancePath}: ${error.message ?? ''} ${JSON.stringify(error.params)}`,
  );
}

function objectOf(parameters: Excerpt['operations'][number]['parameters']): object {
  return {
    type: 'object',
    properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function parametersOf({ pattern }: Compiled, { path }: SeenRequest): Readonly<Record<string, string>> {
  const groups = pattern.exec(path)?.groups ?? {};
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
}
