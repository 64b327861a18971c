import { environmentName, OPTIONS, type OptionSpec } from '../../builder-agent/src/config/option-table.ts';

/** docs/reference/argunix-builder.md: the option table as a page. */
export function renderArgunixBuilderPage(): string {
  return `# argunix-builder

Lends a host to a coordinator as a builder: it dials out, opens no port, and builds what it is leased in the Nix of its
host. How that works, and what survives what: [builders](../concepts/builders.md).

\`argunix-builder capabilities [--json]\` tells what the host would offer. Without a command it joins, until SIGTERM or
SIGINT: then what runs is finished and fetched first; a second signal ends it at once. SIGHUP reads Nix's settings anew,
as it does by itself every five minutes. It logs JSON lines to standard error.

Exit codes: 0 stopped as asked, 1 refused for good by the coordinator (or the host key is not the one expected), 2 usage,
3 cannot start (no Nix, another agent on the same state directory, a state directory that cannot be written).

| option | environment | default | |
| --- | --- | --- | --- |
${OPTIONS.map(renderRow).join('\n')}
`;
}

function renderRow({ long, value, summary, fallback, isRequired }: OptionSpec): string {
  const words = value === null ? `--${long}` : `--${long} <${value}>`;
  // A switch is given or not: it has no variable.
  const variable = value === null ? '' : `\`${environmentName(long)}\``;
  const without = fallback === null ? '' : `\`${fallback}\``;
  return `| \`${words}\` | ${variable} | ${isRequired ? 'required' : without} | ${summary} |`;
}
