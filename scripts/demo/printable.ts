/** Text of a flake, on a terminal: names and logs may hold sequences that move the cursor or pose as our own output. */
export function printable(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- escape sequences are what is removed
      .replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g, '')
      .replaceAll('\t', '    ')
      .replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
  );
}

/** One line of at most `width` characters. */
export function shortened(text: string, width: number): string {
  const line = printable(text.split('\n')[0] ?? '');
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
}
