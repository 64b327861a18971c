import { ERROR_CODES, type ErrorCode, type ErrorTraits } from './error-codes.ts';

export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one class we throw on purpose. Programs branch on `code`, people read `message`, both get `details`;
 * nobody parses a message. A bug stays a plain Error, so an AppError in a log is always a condition we foresaw.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get traits(): ErrorTraits {
    return ERROR_CODES[this.code];
  }
}

/** By shape, not by class: source and build can each load a copy of it. */
export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && error.name === 'AppError' && 'code' in error;
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
