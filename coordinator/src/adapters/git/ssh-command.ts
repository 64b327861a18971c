/** What git runs for SSH. git hands the text to a shell. */

// BatchMode: a question for a passphrase or an unknown host key would be asked of nobody.
const SSH = 'ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ControlPath=none';
// Neither keys nor agent nor configuration of the coordinator's user.
const NOTHING_OF_THE_USER =
  '-F /dev/null -o IdentitiesOnly=yes -o IdentityAgent=none -o GSSAPIAuthentication=no -o HostbasedAuthentication=no';

/** As the user that runs us. */
export function userSsh(): string {
  return SSH;
}

export function anonymousSsh(): string {
  return `${SSH} ${NOTHING_OF_THE_USER} -o IdentityFile=none`;
}

/**
 * With this key alone. A server's key is taken when first seen (what /etc/ssh/ssh_known_hosts says comes first) and
 * never replaced: UpdateHostKeys would let the server do that.
 */
export function keySsh(keyPath: string, knownHostsPath: string): string {
  return [
    ...[SSH, NOTHING_OF_THE_USER],
    ...['-o', pathOption('IdentityFile', keyPath), '-o', pathOption('UserKnownHostsFile', knownHostsPath)],
    '-o StrictHostKeyChecking=accept-new -o UpdateHostKeys=no -o HashKnownHosts=no -o CheckHostIP=no',
  ].join(' ');
}

/** ssh_config(5): a percent sign begins a token. */
function pathOption(name: string, path: string): string {
  return `'${name}="${path.replaceAll('%', '%%').replaceAll("'", "'\\''")}"'`;
}
