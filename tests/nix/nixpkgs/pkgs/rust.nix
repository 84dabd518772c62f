# `rustPlatform`: Cargo without a network, on crates that are checked against the lock file.
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
    stdenv.mkDerivation {
      inherit
        pname
        version
        src
        buildInputs
        doCheck
        meta
        ;
      nativeBuildInputs = nativeBuildInputs ++ [ machine.sysroot ];
      env = env // {
        CC = "${cc}/bin/cc";
        ${linker} = "${cc}/bin/cc";
      }
      # What is tested here is how things are built, not how fast they are afterwards.
      // lib.mapAttrs' (name: lib.nameValuePair "CARGO_PROFILE_${lib.toUpper buildType}_${name}") {
        CODEGEN_UNITS = "16";
        LTO = "off";
        OPT_LEVEL = "0";
      };
      setup = ''
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
      # The hooks belong to the phases: whoever replaces a phase goes without them.
      buildPhase = ''
        ${preBuild}
        cargo build -j $NIX_BUILD_CORES --offline --target ${target} --profile ${buildType} ${lib.concatStringsSep " " cargoBuildFlags}
      '';
      checkPhase = "cargo test -j $NIX_BUILD_CORES --offline --target ${target} --profile ${buildType}";
      installPhase = ''
        mkdir -p $out/bin
        find target/${target}/${buildType} -maxdepth 1 -type f -executable ! -name '*.so' -exec cp -t $out/bin {} +
        ${postInstall}
      '';
    };
}
