{
  description = "A stand-in for nixpkgs: as much of it as Provost's flake uses, built with the programs of this machine";

  # It is passed with --override-input where nixpkgs cannot be had. Argument lists are closed and options are few: what
  # is not here fails by name, so that the flake cannot come to use what was not tried.
  outputs =
    { self }:
    let
      machine = builtins.fromJSON (builtins.readFile ./machine.json);
      lib = import ./lib // {
        nixosSystem = import ./nixos { inherit (self) legacyPackages lib; };
      };
      pkgs = import ./pkgs { inherit lib machine; };
    in
    {
      inherit lib;
      # The same for every name of a system: evaluation looks at all of them, and builds are of this machine's.
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: pkgs system);
    };
}
