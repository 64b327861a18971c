export interface TestFilter {
  /** For vitest. */
  readonly args: readonly string[];
  /** The part of a title that is asked for, if it is a title. */
  readonly title: string | undefined;
}

/** A pattern is part of a test file's path when there is such a file, else part of a title, taken literally. */
export function toFilter(pattern: string, testFiles: readonly string[]): TestFilter {
  // Whole paths: vitest looks for a filter in absolute ones, and the checkout's own directory may hold the pattern.
  const files = testFiles.filter((path) => path.includes(pattern));
  return files.length > 0
    ? { args: files, title: undefined }
    : { args: ['-t', pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')], title: pattern };
}
