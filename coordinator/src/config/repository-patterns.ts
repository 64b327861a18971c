import picomatch from 'picomatch';

/** Whether `forge/owner/name` is one that the pattern names: a name, or a glob such as `codeberg/owner/*` or `**`. */
export function createRepositoryMatcher(pattern: string): (name: string) => boolean {
  const matches = picomatch(pattern, { dot: true, nonegate: true });
  return (name) => name === pattern || matches(name);
}
