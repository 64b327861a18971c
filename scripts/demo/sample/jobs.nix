# Nothing but /bin/sh and what it has built in: no inputs, no downloads, and the same in Nix's sandbox and outside it.
{ system }:
let
  job =
    name: environment: script:
    derivation (
      {
        inherit name system;
        builder = "/bin/sh";
        args = [
          "-eu"
          "-c"
          ''
            # As stdenv tells Nix which phase a build is in.
            phase() { echo "@nix { \"action\": \"setPhase\", \"phase\": \"$1\" }" >&2; }
            # A little work to look at: there is no sleep in the sandbox.
            work() { i=0; while [ $i -lt "$1" ]; do i=$((i + 1)); done; }
            ${script}
          ''
        ];
      }
      // environment
    );
  text = builtins.readFile ./letter.txt;
  # Changed by every push of the demo, so that there is something to build.
  stamp = builtins.readFile ./stamp;
in
rec {
  # Does not depend on the letter: after the first push it is cached.
  dictionary = job "dictionary" { } ''
    echo "writing the dictionary"
    work 100000
    echo "recieve receive" > $out
  '';

  letter = job "letter" { inherit text stamp; } ''
    phase unpackPhase
    echo "unpacking the letter"
    work 50000
    phase buildPhase
    n=0
    printf '%s' "$text" | while IFS= read -r line; do
      n=$((n + 1))
      echo "setting line $n: $line"
      work 30000
    done
    phase installPhase
    printf '%s' "$text" > $out
    echo "installed $out"
  '';

  length = job "length" { inherit letter; } ''
    lines=0
    while IFS= read -r line; do
      lines=$((lines + 1))
    done < $letter
    echo "$lines lines: short enough"
    echo $lines > $out
  '';

  # Fails on purpose: the letter says `recieve`.
  spelling = job "spelling" { inherit letter dictionary; } ''
    phase checkPhase
    read -r wrong right < $dictionary
    mistakes=0
    n=0
    while IFS= read -r line; do
      n=$((n + 1))
      echo "checking line $n"
      work 30000
      case $line in
        *"$wrong"*)
          mistakes=$((mistakes + 1))
          echo "letter.txt:$n: '$wrong' should be '$right'" >&2
          ;;
      esac
    done < $letter
    if [ $mistakes -gt 0 ]; then
      echo "spelling mistakes: $mistakes; correct letter.txt and push again" >&2
      exit 1
    fi
    echo "no mistakes" > $out
  '';

  # Waits for the check, so it cannot be built while the check fails.
  release = job "release" { inherit letter spelling; } ''
    echo "released: $letter, found to have $spelling" > $out
  '';

  shell = job "shell" { inherit dictionary; } ''
    echo "a shell with $dictionary" > $out
  '';

  formatter = job "formatter" { } ''
    echo "a formatter that changes nothing" > $out
  '';
}
