import picomatch from 'picomatch';

/**
 * Whether a full ref (`refs/heads/main`) is one that the patterns name. A pattern is a branch's name, a glob over
 * branch names (`release/*`; `**` for all), or, when it begins with `refs/`, a glob over full refs.
 * A name that is equal always matches: brackets and parentheses are legal in branch names.
 */
export function createRefMatcher(patterns: readonly string[]): (ref: string) => boolean {
  const matchers = patterns.map((pattern) => {
    const full = pattern.startsWith('refs/') ? pattern : `refs/heads/${pattern}`;
    const matches = picomatch(full, { dot: true, nonegate: true });
    return (ref: string) => ref === full || matches(ref);
  });
  return (ref) => matchers.some((matches) => matches(ref));
}
