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

// Disk, file descriptors or memory ran out, or the disk fails: not the fault of what was asked, and it may pass.
const OF_THE_HOST = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Whether trying the same again later may work. */
export function mayPass(error: unknown): boolean {
  if (isAppError(error)) {
    return error.traits.retry;
  }
  return error instanceof Error && 'code' in error && OF_THE_HOST.has(String(error.code));
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
