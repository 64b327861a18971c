/** What must be a path of the Nix store before anybody looks at it twice. */
import { z } from 'zod';
import { toLeaseId } from '../domain/ids.ts';
import { parseDerivationPath, parseStorePath } from '../domain/store-path.ts';

export const WirePath = z
  .string()
  .max(300)
  .transform((text, context) => {
    const path = parseStorePath(text);
    if (path === undefined) {
      context.addIssue('expected a path of the store');
      return z.NEVER;
    }
    return path;
  });

export const WireDerivation = z
  .string()
  .max(300)
  .transform((text, context) => {
    const path = parseDerivationPath(text);
    if (path === undefined) {
      context.addIssue('expected a derivation of the store');
      return z.NEVER;
    }
    return path;
  });

export const WireLease = z.int().positive().transform(toLeaseId);
export const Count = z.int().nonnegative();
