export interface SocketAddress {
  /** A name or an address; IPv6 without its brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `host:port`, IPv6 in brackets: without them nobody can tell the last group from the port. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[(?<six>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?<host>[A-Za-z0-9.-]+)):(?<port>\d{1,5})$/.exec(
    text,
  );
  const port = Number(match?.groups?.['port']);
  const host = match?.groups?.['six'] ?? match?.groups?.['host'];
  if (host === undefined || port > 65_535) {
    return undefined;
  }
  const isSix = match?.groups?.['six'] !== undefined;
  const isGood = isSix
    ? host.includes(':') && URL.canParse(`http://[${host.replace(/%.*/, '')}]/`)
    : isHost(host);
  return isGood ? { host, port } : undefined;
}

/** Four numbers must be an address; anything else that is no bare number may be a name. */
function isHost(host: string): boolean {
  return URL.canParse(`http://${host}/`) && !/^\d+$/.test(host) && !/^[.-]|\.\.|-$/.test(host);
}
