# `rustPlatform`: Cargo without a network, on crates that are checked against the lock file.
#
# What is tested here is how things are built, not how fast they are afterwards: nothing is optimised, and the crates of
# others are built once, into a target folder that every build of the same workspace begins with.
{
  lib,
  stdenv,
  runCommand,
  cc,
  machine,
}:
let
  target = "x86_64-unknown-linux-gnu";
  linker = "CARGO_TARGET_${lib.toUpper (builtins.replaceStrings [ "-" ] [ "_" ] target)}_LINKER";

  vendor =
    { lockFile }:
    runCommand "cargo-vendor-dir" { } ''
      python3 ${./vendor.py} ${lockFile} ${machine.crates} $out
    '';

  # What every build here has: its compilers, its profiles, its crates.
  environment =
    { buildType, env }:
    env
    // {
      CC = "${cc}/bin/cc";
      ${linker} = "${cc}/bin/cc";
      CARGO_BUILD_TARGET = target;
    }
    // lib.mapAttrs' (name: lib.nameValuePair "CARGO_PROFILE_${lib.toUpper buildType}_${name}") {
      CODEGEN_UNITS = "16";
      LTO = "off";
      OPT_LEVEL = "0";
    };
  setup = cargoLock: ''
    export CARGO_HOME=$NIX_BUILD_TOP/cargo
    mkdir $CARGO_HOME
    # Not by its place in the store: programs name the files that they are made from, and would depend on them.
    ln -s ${vendor cargoLock} $NIX_BUILD_TOP/cargo-vendor-dir
    cat >$CARGO_HOME/config.toml <<END
    [source.crates-io]
    replace-with = "vendored"
    [source.vendored]
    directory = "$NIX_BUILD_TOP/cargo-vendor-dir"
    END
  '';

  # The target folder of a workspace whose own crates are empty. It depends on nothing but the manifests.
  layer =
    {
      src,
      cargoLock,
      buildType,
      preBuild,
      nativeBuildInputs,
    }:
    stdenv.mkDerivation {
      inherit preBuild nativeBuildInputs;
      name = "cargo-target-dir";
      src = builtins.path {
        name = "cargo-manifests";
        path = src;
        filter =
          path: type:
          if type == "directory" then
            dirOf path == toString src || builtins.pathExists "${path}/Cargo.toml"
          else
            baseNameOf path == "Cargo.toml" || baseNameOf path == "Cargo.lock";
      };
      env = environment {
        inherit buildType;
        env = { };
      };
      setup = setup cargoLock;
      buildPhase = ''
        runHook preBuild
        for manifest in */*/Cargo.toml; do
          mkdir $(dirname $manifest)/src
          touch $(dirname $manifest)/src/lib.rs
          echo 'fn main() {}' >$(dirname $manifest)/src/main.rs
        done
        cargo build -j $NIX_BUILD_CORES --offline --profile ${buildType} --workspace
        cargo test -j $NIX_BUILD_CORES --offline --profile ${buildType} --workspace --lib --no-run
      '';
      installPhase = ''
        find target -depth -name '*provost*' -exec rm -r {} +
        mv target $out
      '';
    };
in
{
  buildRustPackage =
    {
      pname,
      version,
      src,
      cargoLock,
      cargoBuildFlags ? [ ],
      buildType ? "release",
      nativeBuildInputs ? [ ],
      buildInputs ? [ ],
      env ? { },
      preBuild ? "",
      doCheck ? true,
      postInstall ? "",
      meta ? { },
    }:
    let
      tools = nativeBuildInputs ++ [ machine.sysroot ];
      built = layer {
        inherit
          src
          cargoLock
          buildType
          preBuild
          ;
        nativeBuildInputs = tools;
      };
    in
    stdenv.mkDerivation {
      inherit
        pname
        version
        src
        buildInputs
        preBuild
        doCheck
        meta
        ;
      nativeBuildInputs = tools;
      env = environment { inherit buildType env; };
      setup =
        setup cargoLock
        # With flags of its own everything is different.
        + lib.optionalString (env == { }) ''
          cp -r --preserve=mode,timestamps ${built} target
          chmod -R u+w target
        '';
      buildPhase = ''
        runHook preBuild
        cargo build -j $NIX_BUILD_CORES --offline --profile ${buildType} ${lib.concatStringsSep " " cargoBuildFlags}
      '';
      checkPhase = "cargo test -j $NIX_BUILD_CORES --offline --profile ${buildType}";
      installPhase = ''
        mkdir -p $out/bin
        find target/${target}/${buildType} -maxdepth 1 -type f -executable ! -name '*.so' -exec cp -t $out/bin {} +
        ${postInstall}
      '';
      passthru = {
        layer = built;
      };
    };
}
