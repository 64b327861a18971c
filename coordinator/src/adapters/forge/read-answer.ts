import { AppError } from '@argunix/shared/kit/app-error';
import type { z } from 'zod';
import type { ForgeAnswer } from './forge-http.ts';

/** The answer in the form of `schema`; one of another form is trouble that may pass, as a proxy's page is. */
export function readAnswer<Shape extends z.ZodType>(
  forge: string,
  what: string,
  schema: Shape,
  { body, status }: ForgeAnswer,
): z.infer<Shape> {
  const read = schema.safeParse(body);
  if (read.success) {
    return read.data;
  }
  const [issue] = read.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? 'the answer' : issue.path.join('.');
  throw new AppError(
    'forge.failed',
    `${forge}: expected ${what}, but ${place} is not of the form expected.`,
    {
      forge,
      status,
    },
  );
}
