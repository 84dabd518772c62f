# What every build of this workspace has in common. The lock file's checksums are the only ones: there is none to
# update here when a dependency changes.
{ lib }:
{
  inherit ((builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package) version;
  src = import ./source.nix { inherit lib; };
  cargoLock.lockFile = ../Cargo.lock;
  # Panic messages and debug data name paths; they must not say where this was built.
  preBuild = ''
    export RUSTFLAGS="''${RUSTFLAGS-} --remap-path-prefix=$NIX_BUILD_TOP=/build"
  '';
}
