# Functions for other flakes. Each takes `pkgs` besides the arguments that are told here, or in nix/image.nix.
{ packages }:
let
  image =
    name: arguments:
    (import ./image.nix { inherit (arguments.pkgs) lib dockerTools; }).${name} (removeAttrs arguments [ "pkgs" ]);
in
{
  mkAutomationImage = image "mkAutomationImage";
  mkHookImage = image "mkHookImage";

  # The artifact that `provost package` makes of the folder `src`, with these image archives at their places in it.
  mkPackage =
    {
      pkgs,
      src,
      images ? { },
    }:
    let
      inherit (pkgs) lib;
      inherit (packages.${pkgs.stdenv.hostPlatform.system}) provost;
      place = path: archive: "install -D ${archive} 'project/${path}'";
    in
    pkgs.runCommand "provost-package.tar" { } ''
      cp -r ${src} project
      chmod -R u+w project
      ${lib.concatStringsSep "\n" (lib.mapAttrsToList place images)}
      ${lib.getExe provost} package project --write $out
    '';
}
