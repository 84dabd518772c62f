# What it takes to work on Provost: `nix develop`.
{ pkgs }:
pkgs.mkShell {
  packages = [
    pkgs.cargo
    pkgs.rustc
    pkgs.clippy
    pkgs.rustfmt
    pkgs.git
    pkgs.just
  ];
}
