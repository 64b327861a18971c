/**
 * The kinds of single values a configuration is made of. Every message is the phrase "expected …"; what came instead
 * is added where the problem is shown, so that a value that may be a secret is never quoted by accident.
 */

import { parseByteSize } from '@argunix/shared/domain/byte-size';
import { z } from 'zod';

// A timer of Node ends at once past 2^31 ms; 24 days is below that and above any sensible wait.
const MOST_SECONDS = 2_073_600;

export function text(expected: string): z.ZodString {
  return z.string({ error: () => `expected ${expected}` }).min(1, { error: () => `expected ${expected}` });
}

/** Text with a form of its own. The parser says what it makes of it, or undefined. */
export function parsedText<Value>(
  expected: string,
  parse: (text: string) => Value | undefined,
): z.ZodPipe<z.ZodString, z.ZodTransform<Value, string>> {
  const message = `expected ${expected}`;
  return z
    .string({ error: () => message })
    .transform((value, context) => parse(value) ?? refuse(context, message));
}

export function flag(): z.ZodBoolean {
  return z.boolean({ error: () => 'expected true or false' });
}

export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): z.ZodInt {
  const error = (): string =>
    most === Number.MAX_SAFE_INTEGER
      ? `expected a whole number from ${least} up`
      : `expected a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export function seconds(least = 0): z.ZodNumber {
  const error = (): string => `expected seconds, a number from ${least} to ${MOST_SECONDS}`;
  return z.number({ error }).min(least, { error }).max(MOST_SECONDS, { error });
}

/** Sizes are written as `4G` or as plain bytes. */
export function byteSize(
  least: number,
  message: string,
): z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>, z.ZodTransform<number, string | number>> {
  return z.union([z.string(), z.number()], { error: () => message }).transform((value, context) => {
    const bytes = parseByteSize(String(value));
    return bytes === undefined || bytes < least ? refuse(context, message) : bytes;
  });
}

export function oneOf<const Name extends string>(
  names: readonly Name[],
): z.ZodEnum<z.core.util.ToEnum<Name>> {
  return z.enum(names, { error: () => `expected one of ${names.join(', ')}` });
}

export function listOf<Item extends z.ZodType>(item: Item, what: string): z.ZodArray<Item> {
  return z.array(item, { error: () => `expected a list of ${what}` });
}

/** Keys outside `shape` are refused: a mistyped key that is silently ignored is a setting that silently fails. */
export function section<const Shape extends z.core.$ZodShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'expected a map of keys and values' : undefined),
  });
}

/** A file or directory. Its key ends in `_path`, `_dir` or `_socket`: variables expand in the values of such keys. */
export function path(expected = 'the path of a file'): z.ZodString {
  return text(expected).meta({ format: 'path' });
}

/** A file that holds a secret: it must be there, readable, not empty, and nobody else's to read. */
export function secretPath(): z.ZodString {
  return text('the path of a file that holds the secret')
    .refine((value) => !looksLikeSecret(value), {
      error: 'expected the path of a file that holds the secret, got what looks like the secret itself',
    })
    .meta({ format: 'secret-path' });
}

/** Tokens and keys that were pasted where a path belongs: no slash and long, or a PEM text. */
export function looksLikeSecret(value: string): boolean {
  return value.includes('-----BEGIN') || value.includes('\n') || /^(?![./~$])[^/]{20,}$/.test(value);
}

function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
