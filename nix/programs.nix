# The static programs of the images, one for each folder of images/ that is a crate.
{
  lib,
  rustPlatform,
  glibc,
}:
let
  folders = lib.filterAttrs (
    name: type: type == "directory" && builtins.pathExists (../images + "/${name}/Cargo.toml")
  ) (builtins.readDir ../images);
in
rustPlatform.buildRustPackage (
  import ./cargo.nix { inherit lib; }
  // {
    pname = "provost-programs";
    buildType = "toolbox";
    cargoBuildFlags = lib.concatMap (name: [
      "--package"
      "provost-${name}"
    ]) (lib.attrNames folders);
    buildInputs = [ glibc.static ];
    env.RUSTFLAGS = "-C target-feature=+crt-static";
    doCheck = false;
    meta = {
      description = "The static programs of Provost's images";
      license = lib.licenses.asl20;
      platforms = lib.platforms.linux;
    };
  }
)
