/** One thing that is wrong with a configuration, or worth knowing about it, at its place in the file. */
export interface Problem {
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** As a person would write it, `forges.codeberg.repos."a/b".weight`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export type KeyPath = readonly (string | number)[];

/** A remark on a place that is not looked up yet. `at: 'key'` means the key itself, not what stands behind it. */
export interface Remark {
  readonly path: KeyPath;
  readonly message: string;
  readonly at?: 'key';
}

export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') {
      text += `[${part}]`;
    } else {
      const name = /^[A-Za-z_][\w-]*$/.test(part) ? part : JSON.stringify(part);
      text += text === '' ? name : `.${name}`;
    }
  }
  return text;
}
