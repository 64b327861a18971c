import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../command-table.ts';
import { runCtl } from '../testing/stand-in.ts';

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s names every command and option of the table', async (shell) => {
    const { code, out } = await runCtl('/nonexistent', 'completion', shell);

    const words = COMMANDS.flatMap(({ path, options }) => [...path, ...options.map(({ long }) => long)]);
    expect(words.filter((word) => !out.includes(word))).toEqual([]);
    expect(code).toBe(0);
  });

  test.each([
    ['argunixctl jo', 'jobs'],
    ['argunixctl evals tr', 'trigger'],
    ['argunixctl --json jobs log --fo', '--follow'],
    ['argunixctl completion z', 'zsh'],
    ['argunixctl evals list --st', '--status'],
  ])('bash turns %j into %s', async (typed, word) => {
    const { out } = await runCtl('/nonexistent', 'completion', 'bash');
    const words = typed.split(' ');
    const script = `${out}\nCOMP_WORDS=(${words.join(' ')})\nCOMP_CWORD=${words.length - 1}\n_argunixctl\necho "\${COMPREPLY[@]}"`;

    const completed = await new Promise((resolve) => {
      execFile('bash', ['--norc', '-c', script], { timeout: 10_000 }, (_error, said) => resolve(said.trim()));
    });

    expect(completed).toBe(word);
  });
});
