import { ERROR_CODES, type ErrorTraits } from '../../shared/src/kit/error-codes.ts';

/** docs/reference/errors.md: the table of conditions as a page. */
export function renderErrorsPage(): string {
  const rows = Object.entries(ERROR_CODES)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, traits]) => renderRow(code, traits));
  return `# Errors

Every condition argunix foresees, by its code. Over HTTP an error is \`{"error": {"code", "message", "reference"}}\`; the
reference is also in the log, where the details are. What may work when tried again later says so.

| code | message | HTTP status | try again | exit code |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Exit codes of \`argunix\`: 0 done, 1 the work failed or the input is wrong, 2 usage, 3 cannot start.
`;
}

function renderRow(code: string, { publicMessage, httpStatus, retry, exitCode }: ErrorTraits): string {
  return `| \`${code}\` | ${publicMessage} | ${httpStatus} | ${retry ? 'yes' : 'no'} | ${exitCode} |`;
}
