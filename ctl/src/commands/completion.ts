/** Completion scripts made from the command table. They complete words of the table, never anything of the coordinator's. */
import type { Command, CommandSpec, OptionSpec } from '../command.ts';

/** The table is handed in: it names this file, so this file must not name it. */
interface Table {
  readonly commands: readonly CommandSpec[];
  readonly groups: Readonly<Record<string, string>>;
  readonly globals: readonly OptionSpec[];
}

export function completionOf(table: Table): Command {
  const scripts: Readonly<Record<string, (table: Table) => string>> = { bash, zsh, fish };
  return async ({ print }, given) => {
    print.raw(scripts[given.argument('shell')]?.(table) ?? '');
    await Promise.resolve();
  };
}

/** What may follow which words: the words of a command, then its options and choices. */
function wordsAfter({ commands, groups, globals }: Table): ReadonlyMap<string, readonly string[]> {
  const words = new Map<string, readonly string[]>();
  words.set('', [...new Set(commands.map(({ path }) => path[0])), ...optionWords(globals)]);
  for (const group of Object.keys(groups)) {
    words.set(
      group,
      commands.flatMap(({ path }) => (path[0] === group && path[1] !== undefined ? [path[1]] : [])),
    );
  }
  for (const { path, args, options } of commands) {
    words.set(path.join(' '), [
      ...args.flatMap(({ choices }) => choices ?? []),
      ...optionWords([...options, ...globals]),
    ]);
  }
  return words;
}

function optionWords(options: readonly OptionSpec[]): readonly string[] {
  return options.map(({ long }) => `--${long}`);
}

function bash(table: Table): string {
  const cases = [...wordsAfter(table)].map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `# argunixctl completion for bash: source <(argunixctl completion bash)
_argunixctl() {
  local word path='' words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *[!a-z]*) ;; *) case "$path" in *' '*) ;; '') path=$word ;; *) path="$path $word" ;; esac ;; esac
  done
  case "$path" in
${cases.join('\n')}
    *) words='${optionWords(table.globals).join(' ')}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _argunixctl argunixctl`;
}

/** zsh runs bash completions; one script is one place for mistakes. */
function zsh(table: Table): string {
  return `#compdef argunixctl
autoload -U +X bashcompinit && bashcompinit
${bash(table)}`;
}

function fish({ commands, groups: summaries, globals }: Table): string {
  const lines = commands.flatMap((command) => fishCommand(command));
  const groups = Object.entries(summaries).map(
    ([group, summary]) =>
      `complete -c argunixctl -n __fish_use_subcommand -f -a ${group} -d '${quoteFish(summary)}'`,
  );
  const always = globals.map((option) => `complete -c argunixctl ${fishOption(option)}`);
  return [
    '# argunixctl completion for fish: argunixctl completion fish | source',
    ...groups,
    ...lines,
    ...always,
  ].join('\n');
}

function fishCommand({ path: [first, second], summary, args, options }: CommandSpec): readonly string[] {
  const when = second === undefined ? '__fish_use_subcommand' : `'__fish_seen_subcommand_from ${first}'`;
  const inside =
    second === undefined
      ? `'__fish_seen_subcommand_from ${first}'`
      : `'__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}'`;
  const choices = args.flatMap(({ choices: words }) => words ?? []);
  return [
    `complete -c argunixctl -n ${when} -f -a ${second ?? first} -d '${quoteFish(summary)}'`,
    ...(choices.length === 0 ? [] : [`complete -c argunixctl -n ${inside} -f -a '${choices.join(' ')}'`]),
    ...options.map((option) => `complete -c argunixctl -n ${inside} ${fishOption(option)}`),
  ];
}

function fishOption({ long, short, value, choices, summary }: OptionSpec): string {
  const letter = short === undefined ? '' : ` -s ${short}`;
  const words = choices === undefined ? '' : ` -a '${choices.join(' ')}'`;
  return `-l ${long}${letter}${value === undefined ? '' : ' -r'}${words} -d '${quoteFish(summary)}'`;
}

function quoteFish(text: string): string {
  return text.replaceAll("'", "\\'");
}
