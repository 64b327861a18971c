import { AppError } from '@argunix/shared/kit/app-error';
import type { z } from 'zod';

/** For routes that read their query only once they know what was asked for. */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): z.output<Schema> {
  const parsed = schema.safeParse(query);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'query'}: ${message}`,
    );
    throw new AppError('usage.invalid', problems.join('; '));
  }
  return parsed.data;
}
