/**
 * The HOME of every git that we start: one configuration that no revision, no repository and no user of this host can
 * change, and the credential helper. Written anew at every start.
 */
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface GitHome {
  readonly dir: string;
  readonly configPath: string;
}

/** Keys of SSH servers, as first seen. What a start finds here stays. */
export function knownHostsIn(dir: string): string {
  return join(dir, 'known_hosts');
}

export async function makeGitHome(dir: string): Promise<GitHome> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const configPath = join(dir, '.gitconfig');
  const helperPath = join(dir, 'credential-helper');
  await writeWhole(helperPath, CREDENTIAL_HELPER, 0o500);
  await writeWhole(configPath, gitConfig(helperPath), 0o400);
  return { dir, configPath };
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const making = `${path}.${process.pid}`;
  await writeFile(making, text, { mode });
  await chmod(making, mode);
  await rename(making, path);
}

function gitConfig(helperPath: string): string {
  // Run by sh, so that a state directory on a file system without exec works too.
  const helper = `!/bin/sh '${helperPath.replaceAll("'", "'\\''")}'`;
  return `
[core]
	hooksPath = /dev/null
	fsmonitor = false
	untrackedCache = false
	attributesFile = /dev/null
	excludesFile = /dev/null
	quotePath = true
[safe]
	; The operator named the repository, whoever owns its files; of local ones git-upload-pack alone is run.
	directory = *
[credential]
	; Empties the list, then ours alone. The path decides too: a token is for one repository, not for its host.
	helper =
	helper = ${JSON.stringify(helper)}
	useHttpPath = true
[http]
	; A server that packs sends a byte a second to stay alive; one that sends none for a minute is gone.
	lowSpeedLimit = 1
	lowSpeedTime = 60
[fetch]
	; Always a pack, which appears whole: loose objects of a fetch that was killed would be a revision with holes.
	unpackLimit = 1
	recurseSubmodules = false
[transfer]
	unpackLimit = 1
[submodule]
	recurse = false
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
[lfs]
	basictransfersonly = true
	concurrenttransfers = 4
	dialtimeout = 30
	tlstimeout = 30
	activitytimeout = 60
[lfs "ssh"]
	automultiplex = false
`;
}

/**
 * git-credential(1) asks on standard input; what to answer comes by the environment, which argv, logs and the mirror's
 * configuration never see. It answers for one protocol, host and repository path, and for no path that could be read
 * in two ways.
 */
const CREDENTIAL_HELPER = `#!/bin/sh
[ "$1" = get ] && [ -n "$ARGUNIX_GIT_TOKEN" ] || exit 0
protocol= host= path= username=
while IFS= read -r line; do
  case "$line" in
    '') break ;;
    protocol=*) protocol=\${line#protocol=} ;;
    host=*) host=\${line#host=} ;;
    path=*) path=\${line#path=} ;;
    username=*) username=\${line#username=} ;;
  esac
done
[ "$protocol" = "$ARGUNIX_GIT_PROTOCOL" ] && [ "$host" = "$ARGUNIX_GIT_HOST" ] || exit 0
case "/$path/" in */../* | */./* | *//* | *%* | *\\\\*) exit 0 ;; esac
case "$path/" in
  "$ARGUNIX_GIT_PATH"/* | "$ARGUNIX_GIT_PATH".git/*) ;;
  *) exit 0 ;;
esac
printf 'username=%s\\npassword=%s\\n' "\${username:-$ARGUNIX_GIT_USERNAME}" "$ARGUNIX_GIT_TOKEN"
`;
