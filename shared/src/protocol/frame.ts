/**
 * A line of the control connection is one JSON object:
 *
 * - `{"hello": …}`, `{"welcome": …}`, `{"refuse": …}`: once, at the start or the end;
 * - `{"n": 5, "a": 3, "m": …}`: message number 5 of the sender, who has all up to number 3 of the other side;
 * - `{"a": 3}`: only that;
 * - `{"beat": …}`: a sign of life, never numbered, never resent, never behind anything that waits.
 */
import { z } from 'zod';
import { AgentMessage, type AgentMessageInput } from './agent-message.ts';
import { HostStats } from './capabilities.ts';
import { CoordinatorMessage, type CoordinatorMessageInput } from './coordinator-message.ts';
import { Hello, Refusal, Welcome } from './hello.ts';
import { Count } from './paths.ts';

/** Ten thousand inputs of a batch are one megabyte; a longer line is not one of ours. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Before it is known who it is: a hello of thousands of held leases is one megabyte. */
export const MAX_HELLO_BYTES = 4 * 1024 * 1024;

const ack = z.strictObject({ a: Count });
/**
 * `at`: by the sender's clock. `back`: the last `at` of the other side, with the time added that it waited here, so that
 * what is missing to the other side's now is the way there and back.
 */
const Beat = z.object({
  at: z.number(),
  back: z.number().nullable(),
  stats: HostStats.nullable().default(null),
});
export type Beat = z.output<typeof Beat>;
const beat = z.strictObject({ beat: Beat });

export const AgentFrame = z.union([
  z.strictObject({ n: Count, a: Count, m: AgentMessage }),
  ack,
  beat,
  z.strictObject({ hello: Hello }),
]);
export type AgentFrame = z.output<typeof AgentFrame>;

export const CoordinatorFrame = z.union([
  z.strictObject({ n: Count, a: Count, m: CoordinatorMessage }),
  ack,
  beat,
  z.strictObject({ welcome: Welcome }),
  z.strictObject({ refuse: Refusal }),
]);
export type CoordinatorFrame = z.output<typeof CoordinatorFrame>;

type Line =
  | { readonly hello: z.input<typeof Hello> }
  | { readonly welcome: z.input<typeof Welcome> }
  | { readonly refuse: Refusal }
  | { readonly beat: z.input<typeof Beat> }
  | { readonly a: number }
  | { readonly n: number; readonly a: number; readonly m: AgentMessageInput | CoordinatorMessageInput };

export function frameLine(frame: Line): string {
  return `${JSON.stringify(frame)}\n`;
}

export type ParsedLine<Frame> =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** `number`: that of a message of a type that this version does not know; it is passed over, and counts as had. */
  | { readonly kind: 'unknown'; readonly number: number | null; readonly reason: string };

export function parseLine<Schema extends z.ZodUnion<readonly z.ZodObject[]>>(
  schema: Schema,
  line: string,
): ParsedLine<z.output<Schema>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { kind: 'unknown', number: null, reason: 'a line that is no JSON' };
  }
  const parsed = kindOf(schema, value).safeParse(value);
  if (parsed.success) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an option of the union made it
    return { kind: 'frame', frame: parsed.data as z.output<Schema> };
  }
  const numbered = z.object({ n: Count }).safeParse(value);
  return {
    kind: 'unknown',
    number: numbered.success ? numbered.data.n : null,
    reason: z.prettifyError(parsed.error).slice(0, 500),
  };
}

/** The one kind of frame that has these keys, so that a reason is about that kind and not about all. */
function kindOf(schema: z.ZodUnion<readonly z.ZodObject[]>, value: unknown): z.ZodType {
  if (typeof value !== 'object' || value === null) {
    return schema;
  }
  const keys = Object.keys(value);
  return (
    schema.options.find(
      ({ shape }) =>
        keys.every((key) => Object.hasOwn(shape, key)) && Object.keys(shape).length === keys.length,
    ) ?? schema
  );
}
