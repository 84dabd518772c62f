# The images of images/, by the name of their folder.
{ pkgs, revision }:
let
  inherit (pkgs) lib;
  image = import ./image.nix { inherit (pkgs) lib dockerTools; };
  folders = lib.filterAttrs (name: type: type == "directory") (builtins.readDir ../images);
  mkImage =
    arguments:
    image.fromRecipe (
      arguments
      // {
        inherit revision;
        programs = pkgs.provostPrograms;
        inherit (import ./cargo.nix { inherit lib; }) version;
      }
    );

  # ssh asks who it is.
  passwd = pkgs.writeTextDir "etc/passwd" "provost:x:65532:65532:Provost:/tmp:/none\n";
in
lib.mapAttrs (name: type: pkgs.callPackage (../images + "/${name}/image.nix") { inherit mkImage passwd; }) folders
