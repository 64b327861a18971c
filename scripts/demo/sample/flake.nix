{
  description = "What ./demo pushes: a few small jobs, one of which fails until a word is spelled right";

  outputs =
    { self }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forEachSystem =
        select:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = select (import ./jobs.nix { inherit system; });
          }) systems
        );
    in
    {
      packages = forEachSystem (jobs: {
        inherit (jobs) dictionary letter release;
        # One derivation under two names is built once.
        default = jobs.letter;
      });
      checks = forEachSystem (jobs: {
        inherit (jobs) spelling length;
      });
      devShells = forEachSystem (jobs: {
        default = jobs.shell;
      });
      formatter = forEachSystem (jobs: jobs.formatter);
    };
}
