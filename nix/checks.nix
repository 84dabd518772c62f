# `nix flake check`.
{ self, pkgs }:
let
  inherit (pkgs) lib;

  # The workspace with another command than a build.
  cargo =
    name: packages: command:
    pkgs.provost.overrideAttrs (old: {
      pname = "provost-${name}";
      nativeBuildInputs = old.nativeBuildInputs ++ packages;
      buildPhase = ''
        runHook preBuild
        ${command}
      '';
      installPhase = "touch $out";
    });

  # What can be tested without an engine and a network: the core, from schedules to plans, and what images are made of.
  # Of `provost` nothing is tested here: with it, dependencies have the features that they have in the package.
  tested =
    map (name: "--package=${name}") [
      "provost"
      "provost-archive"
      "provost-expr"
      "provost-git"
      "provost-hook"
      "provost-image"
      "provost-manifest"
      "provost-model"
      "provost-notify"
      "provost-planner"
      "provost-schedule"
    ]
    ++ [ "--lib" ]
    ++ map (name: "--bin=${name}") [
      "provost-archive"
      "provost-git"
      "provost-notify"
    ]
    ++ map (name: "--test=${name}") [
      "changes"
      "clock"
      "dialect"
      "due"
      "facts"
      "fields"
      "fixtures"
      "hostile"
      "oracle"
      "periods"
      "policy"
      "promises"
      "refusals"
      "run_table"
      "schema"
      "sources"
      "values"
      "words"
    ];

  example =
    (import ./example.nix {
      inherit self lib;
      inherit (pkgs.stdenv.hostPlatform) system;
    }).config;
  page = import ./docs.nix { inherit self pkgs; };
in
{
  inherit (pkgs) provost;

  tests = cargo "tests" [ pkgs.gitMinimal ] ''
    export CARGO_PROFILE_RELEASE_LTO=off
    cargo test --offline --release ${lib.concatStringsSep " " tested}
  '';

  clippy = cargo "clippy" [ pkgs.clippy ] ''
    cargo clippy --offline --workspace --all-targets -- --deny warnings
  '';

  format = cargo "format" [ pkgs.rustfmt ] ''
    cargo fmt --all --check
  '';

  # Provost checks it while it is built.
  settings = example.environment.etc."provost/server.yaml".source;

  # Types and assertions of the modules show here, and not before.
  appliance = example.system.build.toplevel;

  manifests = pkgs.runCommand "manifests" { } ''
    ${lib.getExe pkgs.provost} validate ${../manifests}
    touch $out
  '';

  docs = pkgs.runCommand "docs" { passthru = { inherit page; }; } ''
    diff ${../docs/module.md} ${page} >$out
  '';

  machine = import ./machine-test.nix { inherit self pkgs; };
}
// lib.mapAttrs' (name: lib.nameValuePair "image-${name}") pkgs.provostImages
