import type { Screen } from '../screen.ts';

/** A screen that remembers; undefined columns are a pipe. Colours are named in brackets when wanted. */
export function fakeScreen(columns: number | undefined, hasColours = false): Screen & { text(): string } {
  let written = '';
  return {
    hasColours,
    columns: () => columns,
    styled: (look, text) => (hasColours ? `<${look}>${text}</>` : text),
    write: (text) => {
      written += text;
    },
    text: () => written,
  };
}
