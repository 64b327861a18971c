import { z } from 'zod';

/** Letters and digits of a host name, so that it can stand in a URL, a file name and a terminal as it is. */
export const BuilderName = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: () => 'expected a name of 1 to 64 letters, digits and . _ -' });
