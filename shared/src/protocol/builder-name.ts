import { z } from 'zod';

/** As host names are, so that it can stand in a URL, a file name and a command as it is. */
export const BuilderName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, {
  error: () => 'expected a name of 1 to 64 letters, digits and . _ - that does not begin with . or -',
});
