export function ifMissing<Value>(value: () => Value): (error: unknown) => Value {
  return (error) => {
    if (hasCode(error, 'ENOENT')) {
      return value();
    }
    throw error;
  };
}

export function unlessThere(error: unknown): void {
  if (!hasCode(error, 'EEXIST')) {
    throw error;
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
