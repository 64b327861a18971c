export type Expansion =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** `$VAR` and `${VAR}`; nothing else of a shell's. A dollar sign that begins no name is a mistake, not a character. */
export function expandVariables(text: string, env: Readonly<Record<string, string | undefined>>): Expansion {
  const problems: string[] = [];
  const expanded = text.replace(/\$(?:\{([^}]*)(\}?)|([A-Za-z_]\w*)?)/g, (found, braced, close, bare) => {
    const name: unknown = braced ?? bare;
    if (braced !== undefined && close === '') {
      problems.push(`expected a closing brace after ${quote(found)}`);
    } else if (typeof name !== 'string' || name === '') {
      problems.push('expected a variable name after $, got none');
    } else if (!/^[A-Za-z_]\w*$/.test(name)) {
      problems.push(`expected a variable name in braces, got ${quote(name)}`);
    } else {
      const value = env[name];
      if (value !== undefined && value !== '') {
        return value;
      }
      problems.push(
        `expected the environment variable ${name} to be set, got ${value === '' ? 'an empty one' : 'none'}`,
      );
    }
    return '';
  });
  const [reason] = problems;
  return reason === undefined ? { kind: 'text', text: expanded } : { kind: 'refused', reason };
}

function quote(text: unknown): string {
  return JSON.stringify(text);
}
