import type { ArgumentSpec, CommandSpec, OptionSpec } from '../../ctl/src/command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from '../../ctl/src/command-table.ts';

/** docs/reference/argunixctl.md: the command table as a page. */
export function renderArgunixctlPage(): string {
  return `# argunixctl

Asks and steers a running coordinator over its control socket: whoever may open the socket is the operator. Without
\`--socket\` it is \`/run/argunix/control.sock\`, else the one in the state directory of the service, else the one in
\`./argunix-state\`, whichever is there. Answers are tables on a terminal and JSON with \`--json\`.

Exit codes: 0 done, 1 refused with the reason, 2 usage, 3 cannot reach the coordinator, 4 not found.

Options of every command:

${GLOBAL_OPTIONS.map(renderOption).join('\n')}

${COMMANDS.map(renderCommand).join('\n')}`;
}

function renderCommand({ path, summary, args, options }: CommandSpec): string {
  const words = [...path, ...args.map(argumentWord)].join(' ');
  const details = [
    ...args.map((argument) => `- \`${argumentWord(argument)}\`: ${argument.summary}`),
    ...options.map(renderOption),
  ];
  return `## \`argunixctl ${words}\`\n\n${summary}\n${details.length === 0 ? '' : `\n${details.join('\n')}\n`}`;
}

function argumentWord({ name, isOptional }: ArgumentSpec): string {
  return isOptional === true ? `[${name}]` : `<${name}>`;
}

function renderOption({ long, short, value, summary, choices }: OptionSpec): string {
  const letter = short === undefined ? '' : `-${short}, `;
  const words = choices === undefined ? '' : ` (${choices.join(', ')})`;
  return `- \`${letter}--${long}${value === undefined ? '' : ` <${value}>`}\`: ${summary}${words}`;
}
