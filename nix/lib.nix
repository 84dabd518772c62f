# Functions for other flakes. Each takes `pkgs` besides the arguments that nix/image.nix tells.
let
  image =
    name: arguments:
    (import ./image.nix { inherit (arguments.pkgs) lib dockerTools; }).${name} (removeAttrs arguments [ "pkgs" ]);
in
{
  mkAutomationImage = image "mkAutomationImage";
  mkHookImage = image "mkHookImage";
}
