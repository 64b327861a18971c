/** Names and numbers that both ends must agree on before they can agree on anything else. */

/** Raised when an old end could misread what a new one says; new optional fields do not raise it. */
export const PROTOCOL_VERSION = 1;

/** Every builder logs in as this user: who it is, its key says. */
export const SSH_USER = 'argunix-builder';

/**
 * The software name in the identification line of SSH, the only thing that a client says in the clear before keys: by
 * it the one port tells the two connections of a builder apart, each of which is served by a process of its own.
 */
export const CONTROL_IDENT = 'argunix_control';
export const BULK_IDENT = 'argunix_bulk';

/** What the agent asks for on the control connection, once. */
export const CONTROL_COMMAND = 'argunix-control';
/** What it asks for on the bulk connection, with the number that the coordinator asked for after it. */
export const CHANNEL_COMMAND = 'argunix-channel';

export function channelCommand(channel: string): string {
  return `${CHANNEL_COMMAND} ${channel}`;
}

export function parseChannelCommand(command: string): string | undefined {
  return /^argunix-channel ([0-9]{1,15})$/.exec(command)?.[1];
}
