/** What may be asked of /api/v1: these schemas check the requests and make the OpenAPI document. */
import { z } from 'zod';
import { EVALUATION_STATUSES } from '../domain/evaluation-status.ts';
import { JOB_STATUSES } from '../domain/job-status.ts';
import { TOKEN_RIGHTS } from '../domain/token-right.ts';
import { BuilderName } from '../protocol/builder-name.ts';
import { RepositoryRef } from './views.ts';

/** A row number as a URL has it. 15 digits stay exact in a double. */
const Id = z
  .string()
  .regex(/^[1-9][0-9]{0,14}$/, 'expected a positive whole number')
  .transform(Number);

/** `?status=a&status=b` and `?status=a` alike. */
function oneOrMore<Item extends z.ZodType>(item: Item): z.ZodType<z.output<Item>[]> {
  return z.preprocess(
    (value): unknown => (Array.isArray(value) ? value : [value]),
    z.array(item).min(1).max(20),
  );
}

function limit(most: number, usual: number): z.ZodType<number> {
  return z.coerce.number().int().min(1).max(most).default(usual);
}

export const IdParams = z.strictObject({ id: Id });
export const NoQuery = z.strictObject({});

/** `forge/owner/name`. */
export const RepositoryName = z
  .string()
  .regex(/^[^/]+(?:\/[^/]+){2,}$/, 'expected forge/owner/name')
  .transform((text): RepositoryRef => {
    const slash = text.indexOf('/');
    return { forge: text.slice(0, slash), slug: text.slice(slash + 1) };
  });

export const EvaluationsQuery = z.strictObject({
  repo: RepositoryName.optional(),
  branch: z.string().min(1).max(1024).optional(),
  status: oneOrMore(z.enum(EVALUATION_STATUSES)).optional(),
  /** Evaluations older than this id: the next page. */
  before: Id.optional(),
  limit: limit(200, 50),
});

export const JobsQuery = z.strictObject({
  status: oneOrMore(z.enum(JOB_STATUSES)).optional(),
  /** Part of the attribute, letter case ignored. */
  search: z.string().max(1024).optional(),
  /** Attributes after this one, in the order of attributes: the next page. */
  after: z.string().max(8192).optional(),
  limit: limit(500, 100),
});

export const ListQuery = z.strictObject({ limit: limit(1000, 200) });

/** A form sends its empty fields too: they ask for nothing. */
function unlessEmpty<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.output<Schema> | undefined> {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}

// Pages forgive what they do not know: links to them come from everywhere, with parameters of their own.
export const BranchQuery = z.object({
  branch: unlessEmpty(z.string().max(1024)),
  before: unlessEmpty(Id),
});

export const FilterQuery = z.object({
  status: unlessEmpty(oneOrMore(z.enum(JOB_STATUSES))),
  search: unlessEmpty(z.string().max(1024)),
  after: unlessEmpty(z.string().max(8192)),
});
export type FilterQuery = z.infer<typeof FilterQuery>;

export const LogQuery = z.object({
  /** The number of the first line, from 0. */
  from: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  format: z.enum(['text', 'html']).optional(),
});
export type LogQuery = z.infer<typeof LogQuery>;

export const TriggerBody = z
  .strictObject({
    repo: z.union([RepositoryName, RepositoryRef]),
    ref: z.string().min(1).max(1024).optional(),
    sha: z
      .string()
      .regex(/^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/, 'expected a full sha')
      .optional(),
  })
  .refine((body) => (body.ref === undefined) !== (body.sha === undefined), 'expected either ref or sha');
export type TriggerBody = z.infer<typeof TriggerBody>;

// Looked up as it is: what is no builder's name is not found.
export const BuilderParams = z.strictObject({ name: z.string().min(1).max(200) });

// A day is enough to get to a machine; a month is as long as a secret may lie about.
const USUAL_SECONDS = 24 * 3600;
const MOST_SECONDS = 30 * USUAL_SECONDS;

export const InviteBody = z.strictObject({
  name: BuilderName,
  valid_seconds: z.int().min(60).max(MOST_SECONDS).default(USUAL_SECONDS),
});

// As for a builder: it stands in logs and on command lines.
const TokenName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'expected a name of 1 to 64 letters, digits and . _ -');

export const TokenParams = z.strictObject({ name: z.string().min(1).max(200) });

export const TokenBody = z.strictObject({
  name: TokenName,
  may: z.array(z.enum(TOKEN_RIGHTS)).min(1).max(TOKEN_RIGHTS.length),
  /** One that could match no repository is a mistake. */
  repos: z
    .string()
    .max(1000)
    .regex(
      /^(?:\*\*|[^\s/]+\/\*\*|[^\s/]+(?:\/[^\s/]+){2,})$/,
      'expected a pattern over forge/owner/name, such as codeberg/owner/* or ** for all',
    )
    .default('**'),
  expires_days: z.int().min(1).max(3650).optional(),
});

export const ForgeParams = z.strictObject({ name: z.string().min(1).max(200) });

/** The hook of a repository, or that of the GitHub App of a forge. */
export const HookBody = z.union([
  z.strictObject({ repo: z.union([RepositoryName, RepositoryRef]) }),
  z.strictObject({ forge: z.string().min(1).max(200) }),
]);
export type HookBody = z.infer<typeof HookBody>;

export const RenameBody = z.strictObject({ name: BuilderName });
