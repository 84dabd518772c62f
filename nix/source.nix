# What Cargo sees, so that a change to documents or to this folder builds nothing anew.
{ lib }:
let
  root = toString ../.;
  left-out = [
    ".ci"
    ".git"
    ".github"
    "ARCHITECTURE.md"
    "CHANGELOG.md"
    "README.md"
    "docs"
    "flake.lock"
    "flake.nix"
    "justfile"
    "nix"
    "result"
    "scripts"
    "target"
    "tests/nix"
  ];
in
lib.cleanSourceWith {
  name = "provost-source";
  src = ../.;
  filter =
    path: type:
    let
      inside = lib.removePrefix "${root}/" (toString path);
      isText = lib.hasSuffix ".nix" inside && !lib.hasPrefix "crates/" inside || lib.hasPrefix "images/" inside && lib.hasSuffix ".md" inside;
    in
    !(builtins.elem inside left-out || isText);
}
