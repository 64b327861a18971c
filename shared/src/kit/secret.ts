/**
 * Secrets come from files and stay wrapped until the call that needs them. Whatever prints a Secret (JSON, a log, an
 * inspector, a template) gets a placeholder; only reveal() gives the text.
 */
import { readFile, stat } from 'node:fs/promises';
import { AppError } from './app-error.ts';

const PLACEHOLDER = '[secret]';
// A PEM key of 16384 bits has 13 kB; more than this is not a secret but a wrong file.
const MOST_BYTES = 64 * 1024;

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return PLACEHOLDER;
  }

  toJSON(): string {
    return PLACEHOLDER;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return PLACEHOLDER;
  }
}

export type SecretFile =
  | {
      readonly kind: 'secret';
      readonly secret: Secret /** Every user of this host may read or change it. */;
      readonly isExposed: boolean;
    }
  /** `problem` continues "expected a readable file, got …" and never holds any of the content. */
  | { readonly kind: 'refused'; readonly problem: string };

/** What a secret's file holds, without the newline that editors put at its end. Never throws for what the file is. */
export async function openSecret(path: string): Promise<SecretFile> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      return { kind: 'refused', problem: `a directory: ${path}` };
    }
    if (!found.isFile()) {
      return { kind: 'refused', problem: `something that is no regular file: ${path}` };
    }
    if (found.size > MOST_BYTES) {
      return { kind: 'refused', problem: `a file of more than ${MOST_BYTES} bytes: ${path}` };
    }
    const text = (await readFile(path, 'utf8')).replace(/[\r\n]+$/, '');
    return text.trim() === ''
      ? { kind: 'refused', problem: `an empty file: ${path}` }
      : { kind: 'secret', secret: new Secret(text), isExposed: (found.mode & 0o007) !== 0 };
  } catch (error) {
    return { kind: 'refused', problem: `${codeOf(error)} for ${path}` };
  }
}

/** Throws `secret.unreadable` when the file is missing, empty, too large or may not be read. */
export async function readSecret(path: string): Promise<Secret> {
  const file = await openSecret(path);
  if (file.kind === 'refused') {
    throw new AppError('secret.unreadable', `expected a readable file with a secret, got ${file.problem}`, {
      path,
    });
  }
  return file.secret;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'an error';
}
