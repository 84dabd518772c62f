# `lib.nixosSystem`: the options of NixOS that Provost's modules set, and a system made of what they come to.
{ lib, legacyPackages }:
{ system, modules }:
let
  pkgs = legacyPackages.${system};
in
lib.evalModules {
  modules = modules ++ [
    ./options.nix
    ./units.nix
    ./toplevel.nix
  ];
  specialArgs = { inherit pkgs; };
}
