/** Flakes for tests: outputs without inputs, built by the shell that the sandbox has. */
import { randomUUID } from 'node:crypto';

/**
 * `body` is what the attributes of packages.x86_64-linux are, in Nix; `build NAME SCRIPT` makes one of them. Each text is
 * unlike every other, so that nothing of it was built before.
 */
export function flakeOf(body: string, salt: string = randomUUID()): string {
  return `{
    outputs = { self }:
      let
        build = name: script: buildWith { } name script;
        buildWith = more: name: script: derivation ({
          inherit name; system = "x86_64-linux"; builder = "/bin/sh"; salt = "${salt}";
          args = [ "-c" script ];
        } // more);
      in {
        packages.x86_64-linux = { ${body} };
      };
  }
`;
}

/** One job that is built in no time. */
export function goodFlake(): string {
  return flakeOf('good = build "good" "echo good > $out";');
}

/** For scripts of builds: `nap SECONDS`, where the sandbox has no sleep. */
export const NAP = 'exec 3<> <(:); nap() { read -t $1 -u 3 || :; };';

/** An expression that has a value, which nobody lives to see. */
export const COUNT_FOR_EVER = `let
  numbers = builtins.genList (n: n) 10000;
  repeat = f: builtins.foldl' (_: n: f n) 0 numbers;
in repeat (_: repeat (_: repeat (_: repeat (_: 1))))`;
