/** The command line, made from the command table. */
import { Argument, Command as Commander, InvalidArgumentError, Option } from 'commander';
import type { CommandSpec, Given, OptionSpec } from './command.ts';
import { COMMANDS, GLOBAL_OPTIONS, GROUPS } from './command-table.ts';

export interface Invocation {
  readonly spec: CommandSpec;
  readonly given: Given;
  readonly socket: string | undefined;
  readonly isJson: boolean;
}

/** Throws commander's own error for help and for what is no command; `onCommand` gets what is one. */
export function createProgram(onCommand: (invocation: Invocation) => Promise<void>): Commander {
  const program = new Commander('argunixctl')
    .description('Asks and steers a running argunix coordinator over its control socket.')
    .version('0.1.0');
  const groups = new Map<string, Commander>();
  for (const spec of COMMANDS) {
    const [first, second] = spec.path;
    const parent = second === undefined ? program : groupOf(program, groups, first);
    addCommand(parent, spec, onCommand);
  }
  for (const command of everyCommand(program)) {
    command.exitOverride().showHelpAfterError('(--help shows what there is)');
    for (const option of GLOBAL_OPTIONS) {
      command.addOption(toOption(option));
    }
  }
  return program;
}

function groupOf(program: Commander, groups: Map<string, Commander>, name: string): Commander {
  const group = groups.get(name) ?? program.command(name).description(GROUPS[name] ?? '');
  groups.set(name, group);
  return group;
}

function addCommand(
  parent: Commander,
  spec: CommandSpec,
  onCommand: (invocation: Invocation) => Promise<void>,
): void {
  const command = parent.command(spec.path.at(-1) ?? '').description(spec.summary);
  for (const { name, summary, choices, isOptional } of spec.args) {
    const argument = new Argument(isOptional === true ? `[${name}]` : `<${name}>`, summary);
    command.addArgument(choices === undefined ? argument : argument.choices(choices));
  }
  for (const option of spec.options) {
    command.addOption(toOption(option));
  }
  command.action(async () => {
    const options: Readonly<Record<string, unknown>> = command.optsWithGlobals();
    const socket = options['socket'];
    await onCommand({
      spec,
      given: toGiven(spec, command.processedArgs, options),
      socket: typeof socket === 'string' ? socket : undefined,
      isJson: options['json'] === true,
    });
  });
}

function toGiven(
  spec: CommandSpec,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
): Given {
  return {
    argument(name) {
      const at = spec.args.findIndex((argument) => argument.name === name);
      const value = args[at] ?? (spec.args[at]?.isOptional === true ? '' : undefined);
      if (typeof value !== 'string') {
        throw new Error(`the command table gives ${spec.path.join(' ')} no argument ${name}`);
      }
      return value;
    },
    option(long) {
      const value = options[attributeOf(long)];
      return typeof value === 'string' ? value : undefined;
    },
    hasFlag: (long) => options[attributeOf(long)] === true,
  };
}

/** commander's name for the value of an option: `validHours` for `--valid-hours`. */
function attributeOf(long: string): string {
  return new Option(`--${long}`).attributeName();
}

function toOption({ long, short, value, summary, choices }: OptionSpec): Option {
  const letter = short === undefined ? '' : `-${short}, `;
  const option = new Option(`${letter}--${long}${value === undefined ? '' : ` <${value}>`}`, summary);
  if (choices !== undefined) {
    return option.choices(choices);
  }
  return value === undefined ? option : option.argParser(refuseEmpty);
}

function refuseEmpty(text: string): string {
  if (text === '') {
    throw new InvalidArgumentError('expected some text, got none');
  }
  return text;
}

function everyCommand(command: Commander): readonly Commander[] {
  return [command, ...command.commands.flatMap((child) => everyCommand(child))];
}
